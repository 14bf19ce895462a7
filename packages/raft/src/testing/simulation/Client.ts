/**
 * A client on the network: opens a session, runs a few operations at a time, repeats what is not answered through
 * whichever node, and writes down what it saw. An operation whose answer never came stays open for ever; one of which each
 * attempt was refused must never happen.
 */

import type { Failure } from "../../node/HostMessage.ts"
import type { SessionId } from "../../node/Sessions.ts"
import type { NodeId } from "../../core/Types.ts"
import type { Answer, Call } from "../../transport/Call.ts"
import type { Operation } from "../checker/History.ts"
import type { KeyValueInput, KeyValueOutput } from "../checker/KeyValue.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import { encodeCommand } from "../machine/KeyValueCommand.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import { outputOf, writeOf } from "./Workload.ts"
import type { Workload } from "./Workload.ts"

/** Delivers a call and at most one answer, each of which may be lost. */
export type Ask = (node: NodeId, call: Call, reply: (answer: Answer) => void) => void

export interface ClientOptions {
  readonly name: string
  readonly workload: Workload
  readonly thinkMillisMax: number
  readonly timeoutMillis: number
  readonly attemptsMax: number
  /** Operations at a time. */
  readonly operationsMax: number
}

export interface ClientWorld {
  readonly queue: EventQueue
  readonly counters: Counters
  readonly random: SeededRandom
  readonly nodes: () => ReadonlyArray<NodeId>
  readonly ask: Ask
  /** This write must not have happened, and never happen. */
  readonly refused: (write: string) => void
}

interface Open {
  readonly called: number
  readonly input: KeyValueInput
  /** Reads go around the log. */
  readonly isQuery: boolean
  session: SessionId | null
  serial: number
  attempts: number
  /** Answers still awaited of the newest attempt only; older ones are welcome too. */
  isAwaiting: boolean
  /** Of some attempt it is not known what became of it. */
  isUncertain: boolean
  isFinished: boolean
}

export class Client {
  readonly history: Array<Operation<KeyValueInput, KeyValueOutput>> = []
  private readonly options: ClientOptions
  private readonly world: ClientWorld
  private readonly running = new Set<Open>()
  private session: SessionId | null = null
  private isOpening = false
  private serial = 0
  private target: NodeId | null = null
  private isStopped = false

  constructor(options: ClientOptions, world: ClientWorld) {
    this.options = options
    this.world = world
  }

  start(): void {
    for (let i = 0; i < this.options.operationsMax; i++) this.think()
  }

  /** No further operations; those under way stay without an answer. */
  stop(): void {
    this.isStopped = true
    for (const open of this.running) this.giveUp(open)
  }

  // ---- operations ---------------------------------------------------------------------------------------------------

  private think(): void {
    const { queue, random } = this.world
    queue.plan(random.between(0, this.options.thinkMillisMax), () => {
      if (!this.isStopped) this.begin()
    })
  }

  private begin(): void {
    const input = this.options.workload.next(this.world.random)
    const open: Open = {
      called: this.world.queue.count,
      input,
      isQuery: input.kind === "get" && this.world.random.chance(85),
      session: null,
      serial: 0,
      attempts: 0,
      isAwaiting: false,
      isUncertain: false,
      isFinished: false
    }
    this.running.add(open)
    this.attempt(open)
  }

  private attempt(open: Open): void {
    if (open.isFinished) return
    if (open.attempts >= this.options.attemptsMax || this.isStopped) return this.giveUp(open)
    open.attempts++
    if (open.attempts > 1) this.world.counters.add("client: retried")
    if (!open.isQuery && open.session === null) {
      if (this.session === null) return this.openSession(open)
      open.session = this.session
      open.serial = ++this.serial
    }
    this.send(open, this.callFor(open), (answer) => this.receive(open, answer))
  }

  private callFor({ input, isQuery, session, serial }: Open): Call {
    const data = encodeCommand(input)
    if (isQuery || session === null) return { _tag: "Query", data }
    return { _tag: "Propose", session, serial, acknowledged: this.acknowledged(session), data }
  }

  /** Below it this client has all answers, or wants none. */
  private acknowledged(session: SessionId): number {
    let lowest = this.serial + 1
    for (const other of this.running) if (other.session === session) lowest = Math.min(lowest, other.serial)
    return lowest
  }

  /** Sends it to some node, and again to another one when no answer comes. */
  private send(open: Open, call: Call, receive: (answer: Answer) => void): void {
    const { queue, counters, random, nodes, ask } = this.world
    const attempt = open.attempts
    const node = this.target ?? random.pick(nodes())
    open.isAwaiting = true
    const isCurrent = (): boolean => !open.isFinished && open.attempts === attempt && open.isAwaiting
    ask(node, call, (answer) => {
      if (open.isFinished) return
      // Whoever answers is worth asking again.
      if (answer._tag !== "Failed") this.target = node
      if (isCurrent()) receive(answer)
      else if (answer._tag === "Applied" || answer._tag === "Answered") {
        counters.add("client: late answer")
        receive(answer)
      }
    })
    queue.plan(this.options.timeoutMillis, () => {
      if (!isCurrent()) return
      counters.add("client: timed out")
      this.target = null
      if (call._tag === "Propose") open.isUncertain = true
      open.isAwaiting = false
      this.attempt(open)
    })
  }

  private receive(open: Open, answer: Answer): void {
    switch (answer._tag) {
      case "Applied":
        return this.answered(open, outputOf(answer.result))
      case "Answered":
        return this.answered(open, outputOf(answer.data))
      case "Failed":
        return this.failed(open, answer.failure)
      default:
        throw new Error(`a ${answer._tag} does not answer a command or a question`)
    }
  }

  private answered(open: Open, output: KeyValueOutput): void {
    this.world.counters.add(`client: ${output.kind}`)
    this.options.workload.saw(open.input, output)
    this.finish(open, output)
  }

  private failed(open: Open, failure: Failure): void {
    const { counters } = this.world
    counters.add(`client: ${failure._tag} ${failure.reason}`)
    open.isAwaiting = false
    if (failure._tag === "Unknown") open.isUncertain = true
    else if (failure.leader !== null) this.target = failure.leader
    else this.target = null
    if (failure.reason === "SessionExpired" || failure.reason === "TooManyAnswers") {
      if (this.session === open.session) this.session = null
      // In another session it would be another command.
      if (open.isUncertain) return this.giveUp(open)
      open.session = null
    }
    this.later(open)
  }

  private later(open: Open): void {
    const { queue, random } = this.world
    queue.plan(random.between(10, 150), () => this.attempt(open))
  }

  private giveUp(open: Open): void {
    const { counters, refused, random } = this.world
    if (open.isFinished) return
    const write = writeOf(open.input)
    // One that is on its way may still be answered by what happens next.
    if (open.isAwaiting && !open.isQuery && open.session !== null) open.isUncertain = true
    if (!open.isUncertain && write !== null && !open.isQuery) {
      counters.add("client: refused for good")
      this.end(open)
      return refused(write)
    }
    counters.add("client: unknown outcome")
    // Either it says that it does not want the answer any more, or it goes on under another session.
    if (random.chance(50) && this.session === open.session) this.session = null
    this.finish(open, undefined)
  }

  private end(open: Open): void {
    open.isFinished = true
    this.running.delete(open)
    if (!this.isStopped) this.think()
  }

  private finish(open: Open, output: KeyValueOutput | undefined): void {
    this.history.push({
      client: this.options.name,
      called: open.called,
      returned: output === undefined ? Infinity : this.world.queue.count,
      input: open.input,
      output
    })
    this.end(open)
  }

  // ---- the session --------------------------------------------------------------------------------------------------

  /** One at a time; `open` goes on afterwards. */
  private openSession(open: Open): void {
    if (this.isOpening) return this.later(open)
    this.isOpening = true
    this.send(open, { _tag: "OpenSession" }, (answer) => {
      open.isAwaiting = false
      if (answer._tag === "Opened") {
        this.world.counters.add("client: session opened")
        this.session = answer.session
        this.serial = 0
      } else if (answer._tag === "Failed" && answer.failure._tag === "Refused") this.target = answer.failure.leader
      else this.target = null
      this.isOpening = false
      this.later(open)
    })
    this.world.queue.plan(this.options.timeoutMillis, () => {
      this.isOpening = false
    })
  }
}
