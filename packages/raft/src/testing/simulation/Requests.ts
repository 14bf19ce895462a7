/** The requests of clients that wait at one node, from the moment they come until their answer is known there. */

import type { Input } from "../../core/Input.ts"
import type { ReadConfirmed, Refused } from "../../core/Ready.ts"
import type { Context, Index, NodeId } from "../../core/Types.ts"
import type { Reply, Request } from "./Clients.ts"
import { encodeCommand } from "./Command.ts"
import type { Counters } from "./Counters.ts"
import type { Oracle } from "./Oracle.ts"
import type { Applied, StateMachine } from "./StateMachine.ts"

interface Open {
  readonly request: Request
  readonly reply: (reply: Reply) => void
  /** What was committed anywhere when the request came. */
  readonly commit: Index
}

interface ConfirmedRead extends Open {
  readonly index: Index
}

export class Requests {
  private readonly name: string
  private readonly node: NodeId
  private readonly oracle: Oracle
  private readonly counters: Counters
  private readonly open_ = new Map<Context, Open>()
  private readonly bySerial = new Map<string, Context>()
  private confirmed: Array<ConfirmedRead> = []
  private machine: StateMachine | null = null
  private contexts = 0

  constructor(name: string, node: NodeId, oracle: Oracle, counters: Counters) {
    this.name = name
    this.node = node
    this.oracle = oracle
    this.counters = counters
  }

  /** Unique among all runs of all nodes. */
  nextContext(): Context {
    return `${this.name}.${++this.contexts}`
  }

  open(request: Request, reply: (reply: Reply) => void): Input {
    const context = this.nextContext()
    this.open_.set(context, { request, reply, commit: this.oracle.commit })
    if (request.isLocalRead) return { _tag: "ReadIndex", context }
    const { session, serial } = request.command
    this.bySerial.set(`${session}:${serial}`, context)
    return { _tag: "Propose", context, data: [encodeCommand(request.command)] }
  }

  confirm({ context, index }: ReadConfirmed): void {
    const open = this.open_.get(context)
    if (open === undefined) return
    this.counters.add("read: confirmed")
    this.oracle.reads(this.node, index, open.commit)
    this.open_.delete(context)
    this.confirmed.push({ ...open, index })
    if (this.machine !== null) this.answerReads(this.machine)
  }

  refuse({ context, reason, leader }: Refused): void {
    this.counters.add(`refused: ${reason}`)
    const open = this.open_.get(context)
    this.open_.delete(context)
    open?.reply({ kind: "refused", leader })
  }

  /** The state machine has applied `index`; `applied` is the command's outcome, if the entry was one. */
  applied(index: Index, applied: Applied | undefined, machine: StateMachine): void {
    this.machine = machine
    if (applied !== undefined) this.answerCommand(applied)
    if (index > 0) this.answerReads(machine)
  }

  private answerCommand({ session, serial, output, isRepeated }: Applied): void {
    if (isRepeated) this.counters.add("session: repeated command")
    const key = `${session}:${serial}`
    const context = this.bySerial.get(key)
    if (context === undefined) return
    this.bySerial.delete(key)
    const open = this.open_.get(context)
    this.open_.delete(context)
    open?.reply({ kind: "answered", output })
  }

  private answerReads(machine: StateMachine): void {
    if (this.confirmed.length === 0) return
    const ready = this.confirmed.filter(({ index }) => index <= machine.applied)
    this.confirmed = this.confirmed.filter(({ index }) => index > machine.applied)
    for (const { request, reply } of ready) {
      reply({ kind: "answered", output: { kind: "get", value: machine.get(request.command.input.key) } })
    }
  }
}
