/**
 * Proposals from their arrival until they are committed: exactly once, over changes of leaders, as thesis 6.3 has it. What
 * arrives in one turn is proposed in one piece. What may be lost is proposed again, with the same session and serial, so
 * that a copy which was not lost does no harm.
 */
import type { RefusalReason } from "../core/Ready.ts"
import type { Context, Entry, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { Attempts } from "./Attempts.ts"
import type { Leadership } from "./Attempts.ts"
import { encodeEnvelope } from "./Envelope.ts"
import type { Failure, Rejection } from "./HostMessage.ts"
import { OwnSession } from "./OwnSession.ts"
import { newProposal } from "./Proposal.ts"
import type { Asker, Proposal } from "./Proposal.ts"
import { ProposalTable } from "./ProposalTable.ts"
import { refusedTicks } from "./RetryPolicy.ts"
import type { SessionId } from "./Sessions.ts"

export interface ProposalPorts {
  readonly propose: (context: Context, data: ReadonlyArray<Uint8Array>) => void
  readonly leadership: () => Leadership
  readonly fail: (asker: Asker, failure: Failure) => void
  readonly later: (action: () => void) => void
  /** Unique among all nodes and runs. */
  readonly unique: () => string
}

type Counted = "proposals" | "proposalsRefused" | "proposalsUnknown" | "proposalsRetried"

const isBackPressure = (reason: RefusalReason): boolean =>
  reason === "TooMuchUncommitted" || reason === "TooMuchUnapplied"

export class Proposals {
  readonly counters: Record<Counted, number> = {
    proposals: 0,
    proposalsRefused: 0,
    proposalsUnknown: 0,
    proposalsRetried: 0
  }
  private readonly ports: ProposalPorts
  private readonly electionTicks: number
  private readonly table = new ProposalTable()
  private readonly attempts = new Attempts()
  private readonly own: OwnSession
  /** To be handed to the core, in this order. */
  private readonly ready = new Set<Proposal>()
  private isFlushPlanned = false
  private ticks = 0
  private refusals = 0
  private holdUntilTick = 0
  private waiting = 0
  private waitingBytes = 0

  constructor(electionTicks: number, ports: ProposalPorts) {
    this.electionTicks = electionTicks
    this.ports = ports
    this.own = new OwnSession(this.table)
  }

  /** How many wait. */
  get size(): number {
    return this.waiting
  }

  // ---- arrival ----------------------------------------------------------------------------------------------------

  /** A command of the host: the node's own session numbers it. */
  add(asker: Asker, data: Uint8Array, deadlineMillis: number): void {
    const proposal = newProposal([asker], null, data, deadlineMillis)
    if (this.admit(proposal)) this.own.wait(proposal)
  }

  /** A command of a client's session. A repetition of what still waits here waits with it. */
  addCommand(
    asker: Asker,
    command: {
      readonly session: SessionId
      readonly serial: number
      readonly acknowledged: number
      readonly data: Uint8Array
    },
    deadlineMillis: number
  ): void {
    const key = { kind: "Command", session: command.session, serial: command.serial } as const
    const same = this.table.get(key)
    if (same !== undefined) {
      same.askers.push(asker)
      return
    }
    const proposal = newProposal(
      [asker],
      key,
      encodeEnvelope({ ...command, kind: "Command", millis: 0 }),
      deadlineMillis
    )
    if (this.admit(proposal)) this.enter(proposal)
  }

  /** A new session: its id is the index of the entry. */
  addSession(asker: Asker, deadlineMillis: number): void {
    const proposal = this.opening([asker], deadlineMillis)
    if (this.admit(proposal)) this.enter(proposal)
  }

  private opening(askers: Array<Asker>, deadlineMillis: number): Proposal {
    const key = { kind: "OpenSession", nonce: this.ports.unique() } as const
    return newProposal(askers, key, encodeEnvelope(key), deadlineMillis)
  }

  private admit(proposal: Proposal): boolean {
    this.counters.proposals++
    const isFull =
      this.waiting >= Limits.node.proposalsMax || this.waitingBytes + proposal.bytes > Limits.node.proposalBytesMax
    this.waiting++
    this.waitingBytes += proposal.bytes
    if (isFull) this.end(proposal, refusal("TooMuchUncommitted", this.ports.leadership().leader))
    else this.plan()
    return !isFull
  }

  private enter(proposal: Proposal): void {
    if (proposal.key !== null) this.table.add(proposal.key, proposal)
    this.ready.add(proposal)
    this.plan()
  }

  // ---- to the core ------------------------------------------------------------------------------------------------

  private plan(): void {
    if (this.isFlushPlanned) return
    this.isFlushPlanned = true
    this.ports.later(() => {
      this.isFlushPlanned = false
      this.flush()
    })
  }

  /** Without a leader everything waits, as it does for a while after a refusal. */
  private flush(): void {
    const leadership = this.ports.leadership()
    if (leadership.leader === null || this.ticks < this.holdUntilTick) return
    this.numberOwn()
    const ready = [...this.ready]
    this.ready.clear()
    for (let from = 0; from < ready.length;) {
      const to = pieceEnd(ready, from)
      this.hand(ready.slice(from, to), leadership)
      from = to
    }
  }

  private hand(proposals: ReadonlyArray<Proposal>, leadership: Leadership): void {
    const context = this.ports.unique()
    this.attempts.begin(context, proposals, leadership, this.ticks)
    this.ports.propose(
      context,
      proposals.map(({ data }) => data)
    )
  }

  private numberOwn(): void {
    if (this.own.needsOpening) {
      const opening = this.opening([], Number.POSITIVE_INFINITY)
      this.waiting++
      this.waitingBytes += opening.bytes
      this.own.opening = opening
      this.enter(opening)
    }
    for (const proposal of this.own.numbered()) this.ready.add(proposal)
  }

  // ---- what the core says -----------------------------------------------------------------------------------------

  accepted(context: Context): void {
    if (this.attempts.accepted(context)) this.refusals = 0
  }

  refused(context: Context, reason: RefusalReason, leader: NodeId | null): void {
    const proposals = this.attempts.refused(context)
    if (proposals.length === 0) return
    this.refusals++
    this.holdUntilTick = this.ticks + refusedTicks(this.electionTicks, this.refusals)
    if (isBackPressure(reason)) this.pushBack(proposals, refusal(reason, leader))
    else this.again(proposals)
  }

  /** Callers hear of it at once. An opening of the node's own session fails those that wait for it. */
  private pushBack(proposals: ReadonlyArray<Proposal>, failure: Failure): void {
    for (const proposal of proposals) {
      if (proposal.uncertain > 0) this.again([proposal])
      else this.end(proposal, failure)
    }
  }

  /** The leader or the term changed. What was handed to another leader is proposed again, once somebody leads. */
  leadershipChanged(): void {
    const leadership = this.ports.leadership()
    if (leadership.leader === null) return
    this.refusals = 0
    this.holdUntilTick = 0
    this.again(this.attempts.underOthers(leadership))
  }

  /** A snapshot took the place of entries: what was among them is answered from its session. */
  skipped(): void {
    this.again(this.attempts.all())
  }

  /** Returns the proposal whose entry is committed here, if somebody waits for it. */
  committed(entry: Entry): Proposal | null {
    const proposal = this.table.ofEntry(entry)
    if (proposal === undefined) return null
    this.leave(proposal)
    if (proposal === this.own.opening) this.own.opened(entry.index)
    if (this.own.isWaiting) this.plan()
    return proposal
  }

  /** The state machine did not execute a committed one. What was proposed once was not executed before either. */
  rejected(proposal: Proposal, outcome: Rejection): void {
    const isCertain = proposal.attempts === 1 && outcome._tag !== "AnswerForgotten"
    if (outcome._tag === "SessionExpired" && this.own.expired(proposal) && isCertain) {
      this.own.renumber(proposal)
      this.waiting++
      this.waitingBytes += proposal.bytes
      this.plan()
      return
    }
    const reason = outcome._tag === "AnswerForgotten" ? "SessionExpired" : outcome._tag
    const { leader } = this.ports.leadership()
    this.tell(proposal, isCertain ? { _tag: "Refused", reason, leader } : { _tag: "Unknown", reason })
  }

  // ---- time -------------------------------------------------------------------------------------------------------

  tick(): void {
    this.ticks++
    this.again(this.attempts.unanswered(this.ticks, this.electionTicks))
    if (this.ready.size > 0 || this.own.isWaiting) this.plan()
  }

  expire(nowMillis: number): void {
    for (const proposals of [this.table.all(), this.own.unnumbered]) {
      for (const proposal of proposals) {
        if (proposal.deadlineMillis <= nowMillis) this.end(proposal, this.failureOf(proposal, "TimedOut"))
      }
    }
  }

  close(): void {
    for (const proposal of [...this.table.all(), ...this.own.unnumbered]) {
      this.end(proposal, this.failureOf(proposal, "Stopped"))
    }
  }

  private failureOf(proposal: Proposal, reason: "TimedOut" | "Stopped"): Failure {
    if (proposal.uncertain > 0) return { _tag: "Unknown", reason }
    return refusal(reason === "Stopped" ? reason : "NotLeader", this.ports.leadership().leader)
  }

  // ---- the end ----------------------------------------------------------------------------------------------------

  private again(proposals: ReadonlyArray<Proposal>): void {
    if (proposals.length === 0) return
    this.counters.proposalsRetried += proposals.length
    for (const proposal of proposals) this.ready.add(proposal)
    this.plan()
  }

  private end(proposal: Proposal, failure: Failure): void {
    this.leave(proposal)
    this.tell(proposal, failure)
    if (proposal !== this.own.opening) return
    this.own.opening = null
    for (const waiting of [...this.own.unnumbered]) this.end(waiting, failure)
  }

  private leave(proposal: Proposal): void {
    this.attempts.settle(proposal)
    this.ready.delete(proposal)
    if (proposal.key === null) this.own.forget(proposal)
    else this.table.remove(proposal.key)
    this.waiting--
    this.waitingBytes -= proposal.bytes
  }

  private tell(proposal: Proposal, failure: Failure): void {
    if (failure._tag === "Refused") this.counters.proposalsRefused += proposal.askers.length
    else this.counters.proposalsUnknown += proposal.askers.length
    for (const asker of proposal.askers) this.ports.fail(asker, failure)
  }
}

const refusal = (reason: RefusalReason | "Stopped", leader: NodeId | null): Failure => ({
  _tag: "Refused",
  reason,
  leader
})

/** Where a piece for the core ends that begins at `from`. */
const pieceEnd = (proposals: ReadonlyArray<Proposal>, from: number): number => {
  let bytes = 0
  let to = from
  while (to < proposals.length && to - from < Limits.node.proposeCommandsMax) {
    bytes += proposals[to]?.data.length ?? 0
    if (to > from && bytes > Limits.node.proposeBytesMax) break
    to++
  }
  return to
}
