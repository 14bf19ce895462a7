/**
 * Clients that each run one operation at a time, retry where an answer does not come, and write down what they saw. An
 * operation whose answer never came stays open for ever; its client goes on under a new session.
 */

import type { NodeId } from "../../core/Types.ts"
import type { Operation } from "../checker/History.ts"
import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Command } from "./Command.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"

/** What a client asks a node. A local read goes through ReadIndex; everything else is a command in the log. */
export interface Request {
  readonly command: Command
  readonly isLocalRead: boolean
}

export type Reply =
  | { readonly kind: "answered"; readonly output: KeyValueOutput }
  | { readonly kind: "refused"; readonly leader: NodeId | null }

/** Delivers a request and at most one reply, each of which may be lost. */
export type Ask = (node: NodeId, request: Request, reply: (reply: Reply) => void) => void

export interface ClientOptions {
  readonly keys: number
  readonly thinkMillisMax: number
  readonly timeoutMillis: number
  readonly attemptsMax: number
}

interface Open {
  readonly called: number
  readonly request: Request
  attempt: number
}

export class Client {
  readonly history: Array<Operation<KeyValueInput, KeyValueOutput>> = []
  private readonly name: string
  private readonly random: SeededRandom
  private readonly queue: EventQueue
  private readonly counters: Counters
  private readonly options: ClientOptions
  private readonly ask: Ask
  private readonly nodes: () => ReadonlyArray<NodeId>
  private readonly seen = new Map<string, string | null>()
  private incarnation = 0
  private serial = 0
  private written = 0
  private target: NodeId | null = null
  private open: Open | null = null
  private isStopped = false

  constructor(
    name: string,
    random: SeededRandom,
    queue: EventQueue,
    counters: Counters,
    options: ClientOptions,
    nodes: () => ReadonlyArray<NodeId>,
    ask: Ask
  ) {
    this.name = name
    this.random = random
    this.queue = queue
    this.counters = counters
    this.options = options
    this.nodes = nodes
    this.ask = ask
  }

  start(): void {
    this.think()
  }

  /** No further operations; the one under way, if any, stays without an answer. */
  stop(): void {
    this.isStopped = true
    if (this.open !== null) this.giveUp(this.open)
  }

  private think(): void {
    this.queue.plan(this.random.between(0, this.options.thinkMillisMax), () => {
      if (!this.isStopped) this.begin()
    })
  }

  private begin(): void {
    const input = this.chooseInput()
    const command = { session: `${this.name}.${this.incarnation}`, serial: ++this.serial, input }
    const isLocalRead = input.kind === "get" && this.random.chance(85)
    this.open = { called: this.queue.count, request: { command, isLocalRead }, attempt: 0 }
    this.attempt(this.open)
  }

  private chooseInput(): KeyValueInput {
    const { random } = this
    const key = `k${random.between(1, this.options.keys)}`
    const value = `${this.name}-${++this.written}`
    if (random.chance(45)) return { kind: "get", key }
    if (random.chance(65)) return { kind: "put", key, value }
    return { kind: "cas", key, expected: this.seen.get(key) ?? null, value }
  }

  private attempt(open: Open): void {
    const attempt = ++open.attempt
    if (attempt > 1) this.counters.add("client: retried")
    const node = this.target ?? this.random.pick(this.nodes())
    const isCurrent = (): boolean => this.open === open && open.attempt === attempt
    this.ask(node, open.request, (reply) => {
      if (isCurrent()) this.receive(open, reply)
    })
    this.queue.plan(this.options.timeoutMillis, () => {
      if (!isCurrent()) return
      this.counters.add("client: timed out")
      this.target = null
      this.again(open)
    })
  }

  private receive(open: Open, reply: Reply): void {
    if (reply.kind === "refused") {
      this.counters.add("client: refused")
      this.target = reply.leader
      open.attempt++
      this.queue.plan(this.random.between(10, 150), () => {
        if (this.open === open) this.again(open)
      })
      return
    }
    this.counters.add(`client: ${reply.output.kind}`)
    const { input } = open.request.command
    if (reply.output.kind === "get") this.seen.set(input.key, reply.output.value)
    if (input.kind !== "get") this.seen.set(input.key, input.value)
    this.finish(open, reply.output)
  }

  private again(open: Open): void {
    if (open.attempt < this.options.attemptsMax && !this.isStopped) this.attempt(open)
    else this.giveUp(open)
  }

  private giveUp(open: Open): void {
    this.counters.add("client: unknown outcome")
    this.incarnation++
    this.finish(open, undefined)
  }

  private finish({ called, request }: Open, output: KeyValueOutput | undefined): void {
    this.open = null
    this.history.push({
      client: request.command.session,
      called,
      returned: output === undefined ? Infinity : this.queue.count,
      input: request.command.input,
      output
    })
    if (!this.isStopped) this.think()
  }
}
