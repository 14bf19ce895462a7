/** A program inside a node, as a fiber of its host: proposes and reads through the node itself, without the network. */

import type { Operation } from "../checker/History.ts"
import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"
import { encodeCommand } from "../machine/KeyValueCommand.ts"
import type { ClientOptions, ClientWorld } from "./Client.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { outputOf, writeOf } from "./Workload.ts"

export interface LocalClientWorld extends Omit<ClientWorld, "ask" | "nodes"> {
  readonly nodes: () => ReadonlyArray<SimulatedNode>
}

export class LocalClient {
  readonly history: Array<Operation<KeyValueInput, KeyValueOutput>> = []
  private readonly options: ClientOptions
  private readonly world: LocalClientWorld
  private stopOperation: () => void = () => {}
  private isStopped = false

  constructor(options: ClientOptions, world: LocalClientWorld) {
    this.options = options
    this.world = world
  }

  start(): void {
    const { queue, random } = this.world
    queue.plan(random.between(0, this.options.thinkMillisMax), () => {
      if (!this.isStopped) this.begin()
    })
  }

  stop(): void {
    this.isStopped = true
    this.stopOperation()
  }

  private begin(): void {
    const { queue, random, nodes, counters, refused } = this.world
    const running = nodes()
    if (running.length === 0) return this.start()
    const input = this.options.workload.next(random)
    const called = queue.count
    let isOpen = true
    const finish = (output: KeyValueOutput | undefined): void => {
      if (!isOpen) return
      isOpen = false
      counters.add(output === undefined ? "local client: unknown outcome" : `local client: ${output.kind}`)
      if (output !== undefined) this.options.workload.saw(input, output)
      const returned = output === undefined ? Infinity : queue.count
      this.history.push({ client: this.options.name, called, returned, input, output })
      if (!this.isStopped) this.start()
    }
    const refuse = (reason: string): void => {
      if (!isOpen) return
      counters.add(`local client: Refused ${reason}`)
      const write = writeOf(input)
      if (write === null) return finish(undefined)
      isOpen = false
      refused(write)
      if (!this.isStopped) this.start()
    }
    this.stopOperation = () => finish(undefined)
    this.ask(random.pick(running), input, finish, refuse)
    // The process may die, and then nobody answers.
    queue.plan(this.options.timeoutMillis * 3, () => finish(undefined))
  }

  private ask(
    node: SimulatedNode,
    input: KeyValueInput,
    finish: (output: KeyValueOutput | undefined) => void,
    refuse: (reason: string) => void
  ): void {
    const { counters } = this.world
    const { timeoutMillis } = this.options
    if (input.kind === "get") {
      node.readLocally(input, timeoutMillis, (outcome) => {
        if (outcome._tag === "Done") finish(outputOf(outcome.value))
        else if (outcome._tag === "Refused") refuse(outcome.reason)
        else finish(undefined)
      })
      return
    }
    node.proposeLocally(encodeCommand(input), timeoutMillis, (outcome) => {
      if (outcome._tag === "Done") return finish(outputOf(outcome.value.result))
      if (outcome._tag === "Refused") return refuse(outcome.reason)
      counters.add(`local client: Unknown ${outcome.reason}`)
      finish(undefined)
    })
  }
}
