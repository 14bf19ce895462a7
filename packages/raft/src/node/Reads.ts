/**
 * Linearizable reads (thesis 6.4). Those that come while a question to the leader is on its way share the next one, so
 * that a thousand reads cost one round of heartbeats. An attempt that was lost is repeated under a new context: an old
 * answer never stands for a newer read (etcd 20418).
 */
import type { ReadConfirmed, RefusalReason } from "../core/Ready.ts"
import type { Context, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { Leadership } from "./Attempts.ts"
import type { CallId, Failure, HostRequest, RequestId } from "./HostMessage.ts"
import type { Asker } from "./Proposal.ts"
import { answerTicks, refusedTicks } from "./RetryPolicy.ts"

export interface ReadPorts {
  readonly readIndex: (context: Context) => void
  readonly leadership: () => Leadership
  readonly host: (request: HostRequest) => void
  readonly fail: (asker: Asker, failure: Failure) => void
  readonly later: (action: () => void) => void
  /** Unique among all nodes and runs. */
  readonly unique: () => string
}

interface Read {
  readonly asker: Asker
  /** What a client asks; `null`: the host asks its state machine itself. */
  readonly question: Uint8Array | null
  readonly deadlineMillis: number
}

interface Question {
  readonly context: Context
  readonly reads: ReadonlyArray<Read>
  readonly leadership: Leadership
  readonly sentAtTick: number
}

export class Reads {
  private readonly ports: ReadPorts
  private readonly id: NodeId
  private readonly electionTicks: number
  private gathered: Array<Read> = []
  /** On its way to the leader: one at a time. */
  private question: Question | null = null
  private isFlushPlanned = false
  private ticks = 0
  private failures = 0
  private holdUntilTick = 0
  /** How many were asked. */
  count = 0

  constructor(id: NodeId, electionTicks: number, ports: ReadPorts) {
    this.id = id
    this.electionTicks = electionTicks
    this.ports = ports
  }

  /** A read of the host: it is told which index to wait for. */
  add(request: RequestId, deadlineMillis: number): void {
    this.admit({ asker: { to: "host", id: request }, question: null, deadlineMillis })
  }

  /** A client's question, answered by the state machine of this node. */
  addQuery(call: CallId, question: Uint8Array, deadlineMillis: number): void {
    this.admit({ asker: { to: "call", id: call }, question, deadlineMillis })
  }

  private admit(read: Read): void {
    this.count++
    if (this.gathered.length >= Limits.node.readsMax) {
      this.ports.fail(read.asker, this.refusal("TooManyReads"))
      return
    }
    this.gathered.push(read)
    this.plan()
  }

  private plan(): void {
    if (this.isFlushPlanned || this.question !== null) return
    this.isFlushPlanned = true
    this.ports.later(() => {
      this.isFlushPlanned = false
      this.flush()
    })
  }

  private flush(): void {
    const leadership = this.ports.leadership()
    const mustWait = leadership.leader === null || this.ticks < this.holdUntilTick
    if (mustWait || this.question !== null || this.gathered.length === 0) return
    const context = this.ports.unique()
    this.question = { context, reads: this.gathered, leadership, sentAtTick: this.ticks }
    this.gathered = []
    this.ports.readIndex(context)
  }

  confirmed({ context, index }: ReadConfirmed): void {
    const reads = this.take(context)
    if (reads === null) return
    this.failures = 0
    const questions: Array<{ readonly call: CallId; readonly data: Uint8Array }> = []
    for (const { asker, question } of reads) {
      if (question === null) this.ports.host({ kind: "read", request: asker.id, index })
      else questions.push({ call: asker.id, data: question })
    }
    if (questions.length > 0) this.ports.host({ kind: "query", index, questions })
    if (this.gathered.length > 0) this.plan()
  }

  refused(context: Context, reason: RefusalReason): void {
    const reads = this.take(context)
    if (reads === null) return
    if (reason === "TooManyReads") for (const { asker } of reads) this.ports.fail(asker, this.refusal(reason))
    else this.again(reads)
  }

  /** Reads that were asked of another leader are asked again, once somebody leads. */
  leadershipChanged(): void {
    const { leader, term } = this.ports.leadership()
    if (leader === null) return
    this.failures = 0
    this.holdUntilTick = 0
    const asked = this.question?.leadership
    if (asked !== undefined && (asked.leader !== leader || asked.term !== term)) this.giveUp()
    if (this.gathered.length > 0) this.plan()
  }

  /** A question to another node, or its answer, may be lost; one to the own core is not. */
  tick(): void {
    this.ticks++
    const { question } = this
    const isForwarded = question !== null && question.leadership.leader !== this.id
    if (isForwarded && this.ticks - question.sentAtTick >= answerTicks(this.electionTicks, this.failures + 1)) {
      this.failures++
      this.giveUp()
    }
    if (this.gathered.length > 0) this.plan()
  }

  expire(nowMillis: number): void {
    this.gathered = this.gathered.filter((read) => {
      if (read.deadlineMillis > nowMillis) return true
      this.ports.fail(read.asker, this.refusal("NotLeader"))
      return false
    })
    const { question } = this
    if (question === null || question.reads.every(({ deadlineMillis }) => deadlineMillis > nowMillis)) return
    const waiting = question.reads.filter(({ deadlineMillis }) => deadlineMillis > nowMillis)
    for (const { asker, deadlineMillis } of question.reads) {
      if (deadlineMillis <= nowMillis) this.ports.fail(asker, { _tag: "Unknown", reason: "TimedOut" })
    }
    this.question = { ...question, reads: waiting }
  }

  close(): void {
    for (const { asker } of [...(this.question?.reads ?? []), ...this.gathered]) {
      this.ports.fail(asker, this.refusal("Stopped"))
    }
    this.question = null
    this.gathered = []
  }

  private take(context: Context): ReadonlyArray<Read> | null {
    const { question } = this
    if (question?.context !== context) return null
    this.question = null
    return question.reads
  }

  private giveUp(): void {
    const reads = this.question?.reads ?? []
    this.question = null
    this.gathered = [...reads, ...this.gathered]
  }

  private again(reads: ReadonlyArray<Read>): void {
    this.gathered = [...reads, ...this.gathered]
    this.failures++
    this.holdUntilTick = this.ticks + refusedTicks(this.electionTicks, this.failures)
    this.plan()
  }

  private refusal(reason: RefusalReason | "Stopped"): Failure {
    return { _tag: "Refused", reason, leader: this.ports.leadership().leader }
  }
}
