/**
 * Everybody who waits for something of this node, the host's fibers and clients on the network alike: what they ask goes to
 * proposals, reads and changes of members, and what comes of it goes back to them.
 */
import type { Input } from "../core/Input.ts"
import type { Accepted, ReadConfirmed, Refused } from "../core/Ready.ts"
import type { State } from "../core/State.ts"
import type { Context, Entry } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { Call } from "../transport/Call.ts"
import { Calls } from "./Calls.ts"
import type { Reply } from "./Calls.ts"
import type { Failure, HostMessage, HostRequest, Rejection } from "./HostMessage.ts"
import { MemberChanges } from "./MemberChanges.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { Asker, Proposal } from "./Proposal.ts"
import { Proposals } from "./Proposals.ts"
import { Reads } from "./Reads.ts"
import { isLogFull } from "./SnapshotPolicy.ts"
import { coreStatus } from "./StatusReport.ts"

export interface AskersPorts {
  readonly host: (request: HostRequest) => void
  readonly state: () => State
  readonly feed: (input: Input) => void
  readonly propose: (context: Context, data: ReadonlyArray<Uint8Array>) => void
  readonly readIndex: (context: Context) => void
  readonly nowMillis: () => number
  readonly later: (action: () => void) => void
  readonly unique: () => string
}

export class Askers {
  readonly proposals: Proposals
  readonly reads: Reads
  private readonly members: MemberChanges
  private readonly calls = new Calls()
  private readonly options: NodeOptions
  private readonly ports: AskersPorts
  private expireAtMillis = 0
  private isClosing = false

  constructor(options: NodeOptions, ports: AskersPorts) {
    this.options = options
    this.ports = ports
    const { electionTicks } = options.core
    const shared = {
      ...ports,
      leadership: () => ({ leader: ports.state().leader, term: ports.state().term }),
      fail: (asker: Asker, failure: Failure) => this.fail(asker, failure)
    }
    this.proposals = new Proposals(electionTicks, shared)
    this.reads = new Reads(options.id, electionTicks, shared)
    this.members = new MemberChanges({ ...shared, changed: (asker, accepted) => this.changed(asker, accepted) })
  }

  /** A leader with a full log takes no more: its snapshots must be failing. */
  get isFull(): boolean {
    const state = this.ports.state()
    return state.role === "Leader" && isLogFull(state, this.options)
  }

  // ---- what is asked ----------------------------------------------------------------------------------------------

  call(call: Call, reply: Reply): void {
    const state = this.ports.state()
    if (call._tag === "Describe") {
      const { configuration, configurationIndex, leader } = coreStatus(state)
      reply({ _tag: "Described", leader, configuration, configurationIndex })
      return
    }
    const isTooMuch = this.calls.size >= Limits.node.callsMax
    const reason = isTooMuch ? "TooMuchUncommitted" : (problemOf(call) ?? this.refusal(call._tag !== "Query"))
    if (reason === null) this.open(call, reply)
    else reply({ _tag: "Failed", failure: { _tag: "Refused", reason, leader: state.leader } })
  }

  private open(call: Exclude<Call, { readonly _tag: "Describe" }>, reply: Reply): void {
    const id = this.calls.open(reply)
    const asker = { to: "call", id } as const
    const deadlineMillis = this.ports.nowMillis() + Limits.node.callMillisMax
    if (call._tag === "Propose") this.proposals.addCommand(asker, call, deadlineMillis)
    else if (call._tag === "OpenSession") this.proposals.addSession(asker, deadlineMillis)
    else if (call._tag === "Query") this.reads.addQuery(id, call.data, deadlineMillis)
    else this.members.add(asker, call, deadlineMillis)
  }

  ask(message: Extract<HostMessage, { readonly request: number }>): void {
    const asker = { to: "host", id: message.request } as const
    const deadlineMillis = this.ports.nowMillis() + message.timeoutMillis
    const isTooLarge = message.kind === "propose" && message.data.length > Limits.node.commandBytesMax
    const reason = isTooLarge ? "TooLarge" : this.refusal(message.kind !== "read")
    if (reason !== null) this.fail(asker, { _tag: "Refused", reason, leader: this.ports.state().leader })
    else if (message.kind === "propose") this.proposals.add(asker, message.data, deadlineMillis)
    else if (message.kind === "read") this.reads.add(message.request, deadlineMillis)
    else this.members.add(asker, message, deadlineMillis)
  }

  private refusal(isWrite: boolean): "Stopped" | "LogFull" | null {
    if (this.isClosing) return "Stopped"
    return isWrite && this.isFull ? "LogFull" : null
  }

  // ---- what the core says -----------------------------------------------------------------------------------------

  accepted(accepted: Accepted): void {
    this.proposals.accepted(accepted.context)
    this.members.accepted(accepted)
  }

  /** Contexts are unique: two of the three do not know this one. */
  refused({ context, leader, reason }: Refused): void {
    this.proposals.refused(context, reason, leader)
    this.reads.refused(context, reason)
    this.members.refused(context, reason, leader)
  }

  confirmed(read: ReadConfirmed): void {
    this.reads.confirmed(read)
  }

  leadershipChanged(): void {
    this.proposals.leadershipChanged()
    this.reads.leadershipChanged()
  }

  /** Committed: who waits for it? A session that is in the log exists, so whoever opened it need not wait for the host. */
  claim(entry: Entry): Proposal | null {
    this.members.committed(entry)
    const proposal = this.proposals.committed(entry)
    if (proposal?.key?.kind !== "OpenSession") return proposal
    for (const { id } of proposal.askers) this.calls.answer(id, { _tag: "Opened", session: entry.index })
    return null
  }

  // ---- what the host says -----------------------------------------------------------------------------------------

  /** `claimed`: the proposals that were in the batch. */
  applied(
    { outcomes, rejected }: Extract<HostMessage, { readonly kind: "applied" }>,
    claimed: ReadonlyArray<Proposal>
  ): void {
    const of = (to: Asker["to"], id: number): Proposal | undefined =>
      claimed.find(({ askers }) => askers.some((asker) => asker.to === to && asker.id === id))
    // Several may wait for one entry: each proposal is rejected once.
    const rejections = new Map<Proposal | undefined, Rejection>()
    for (const { call, outcome } of outcomes) {
      if (outcome._tag === "Applied") this.calls.answer(call, outcome)
      else rejections.set(of("call", call), outcome)
    }
    for (const { outcome, request } of rejected) rejections.set(of("host", request), outcome)
    for (const [proposal, rejection] of rejections) {
      if (proposal !== undefined) this.proposals.rejected(proposal, rejection)
    }
  }

  answered({ answers }: Extract<HostMessage, { readonly kind: "answers" }>): void {
    for (const { call, data, index } of answers) this.calls.answer(call, { _tag: "Answered", index, data })
  }

  // ---- time and the end -------------------------------------------------------------------------------------------

  tick(nowMillis: number): void {
    this.proposals.tick()
    this.reads.tick()
    if (nowMillis < this.expireAtMillis) return
    this.expireAtMillis = nowMillis + Limits.node.deadlineCheckMillis
    this.proposals.expire(nowMillis)
    this.reads.expire(nowMillis)
    this.members.expire(nowMillis)
  }

  /** What is asked from here on is refused. */
  beginClosing(): void {
    this.isClosing = true
  }

  close(): void {
    this.proposals.close()
    this.reads.close()
    this.members.close()
    this.calls.close()
  }

  private changed({ id, to }: Asker, accepted: Accepted): void {
    if (to === "host") this.ports.host({ kind: "changed", request: id, accepted })
    else this.calls.answer(id, { _tag: "Changed", index: accepted.last })
  }

  private fail({ id, to }: Asker, failure: Failure): void {
    if (to === "host") this.ports.host({ kind: "failed", request: id, failure })
    else this.calls.fail(id, failure)
  }
}

/** Numbers that no session has would make an entry that nobody could decode. */
const problemOf = (call: Call): "SessionExpired" | "TooLarge" | null => {
  if (call._tag !== "Propose") return null
  const { acknowledged, data, serial, session } = call
  if (data.length > Limits.node.commandBytesMax) return "TooLarge"
  const isSound =
    [acknowledged, serial, session].every(Number.isSafeInteger) &&
    session >= 1 &&
    serial >= 1 &&
    acknowledged >= 0 &&
    acknowledged <= serial
  return isSound ? null : "SessionExpired"
}
