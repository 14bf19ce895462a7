/**
 * One node of a cluster, as it runs in the Raft thread: the algorithm and everything that has to go on while the host's
 * thread is busy. It knows no thread, socket, file or clock, so that production and simulation run the same code.
 *
 * This file is the switchboard: what comes from where goes to which part. The parts do not know each other.
 */
import { Result } from "effect"
import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { Accepted, Ready, Refused, SnapshotRead } from "../core/Ready.ts"
import { chunkOf } from "../core/SnapshotSender.ts"
import { initialState } from "../core/State.ts"
import type { Recovered, State } from "../core/State.ts"
import type { Context, Entry, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { Answer, Call } from "../transport/Call.ts"
import { ApplyQueue } from "./ApplyQueue.ts"
import { AwakeClock } from "./AwakeClock.ts"
import { Calls } from "./Calls.ts"
import { Driver } from "./Driver.ts"
import type { DriverPorts } from "./Driver.ts"
import { FlushQueue } from "./FlushQueue.ts"
import { Forwards } from "./Forwards.ts"
import { guardedStorage } from "./GuardedStorage.ts"
import { successor } from "./Handover.ts"
import type { Failure, HostMessage, HostRequest } from "./HostMessage.ts"
import { MemberChanges } from "./MemberChanges.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import { NodeStopped } from "./NodeStopped.ts"
import type { StopReason } from "./NodeStopped.ts"
import type { Asker, Proposal } from "./Proposal.ts"
import { Proposals } from "./Proposals.ts"
import { Reads } from "./Reads.ts"
import { ReplicaCounters } from "./ReplicaCounters.ts"
import { isLogFull } from "./SnapshotPolicy.ts"
import { SnapshotReceiving } from "./SnapshotReceiving.ts"
import { SnapshotTaking } from "./SnapshotTaking.ts"
import { declineReason, HostPing } from "./StallWatch.ts"
import type { Delays } from "./StallWatch.ts"
import type { Status } from "./Status.ts"
import { coreStatus } from "./StatusReport.ts"

export interface ReplicaPorts {
  readonly storage: NodeStorage
  readonly send: (message: Message) => void
  readonly host: (request: HostRequest) => void
  /** Of a clock that never goes back. */
  readonly nowMillis: () => number
  /** Runs `action` once what arrives in this turn of the event loop has arrived: proposals gather meanwhile. */
  readonly later: (action: () => void) => void
  /** The node cannot go on; called once, and nothing is sent afterwards. The process has to end. */
  readonly stopped: (failure: Error) => void
  /** Sees every step before anything of it is carried out; for simulation and metrics. */
  readonly observe: (before: State, input: Input, after: State, ready: Ready) => void
}

/** What is recovered from storage and from the state machine, without what the options say. `seed` differs in every run. */
export type Start = Pick<Recovered, "seed" | "hardState" | "snapshot" | "base" | "entries" | "applied">

export class Replica {
  private readonly options: NodeOptions
  private readonly ports: ReplicaPorts
  private readonly storage: NodeStorage
  private readonly driver: Driver
  private readonly clock: AwakeClock
  private readonly calls = new Calls()
  private readonly proposals: Proposals
  private readonly reads: Reads
  private readonly members: MemberChanges
  private readonly applies: ApplyQueue
  private readonly flushes = new FlushQueue()
  private readonly forwards = new Forwards()
  private readonly taking: SnapshotTaking
  private readonly receiving: SnapshotReceiving
  private readonly ping = new HostPing()
  private readonly counters = new ReplicaCounters()
  private contexts = 0
  private logBytes = 0
  private declines: Status["declines"] = null
  private isLeadershipNew = false
  private expireAtMillis = 0
  private statusAtMillis = 0
  private closing: { readonly untilMillis: number; readonly done: () => void } | null = null
  private isStopped = false

  /** Throws RaftFailure when what was recovered cannot be one node's. */
  constructor(options: NodeOptions, start: Start, ports: ReplicaPorts) {
    const { bootstrap, core, id, tickMillis } = options
    this.options = options
    this.ports = ports
    this.storage = guardedStorage(ports.storage, (action) => this.guard(action))
    this.driver = new Driver(initialState({ ...start, id, options: core, bootstrap }), this.driverPorts())
    this.clock = new AwakeClock(tickMillis, core.electionTicks, ports.nowMillis())
    const run = `${id}/${(start.seed >>> 0).toString(36)}`
    const shared = {
      storage: this.storage,
      host: ports.host,
      nowMillis: ports.nowMillis,
      later: (action: () => void) => ports.later(() => this.guard(action)),
      unique: () => `${run}/${++this.contexts}`,
      state: () => this.driver.state,
      leadership: () => ({ leader: this.driver.state.leader, term: this.driver.state.term }),
      feed: (input: Input) => this.feed(input),
      fail: (asker: Asker, failure: Failure) => this.fail(asker, failure)
    }
    this.proposals = new Proposals(core.electionTicks, {
      ...shared,
      propose: (context, data) => this.feed({ _tag: "Propose", context, data })
    })
    this.reads = new Reads(id, core.electionTicks, { ...shared, readIndex: (context) => this.readIndex(context) })
    this.members = new MemberChanges({ ...shared, changed: (asker, accepted) => this.changed(asker, accepted) })
    this.applies = new ApplyQueue({ ...shared, claim: (entry) => this.claim(entry) })
    this.taking = new SnapshotTaking(options, shared)
    this.receiving = new SnapshotReceiving({
      ...shared,
      giveWay: () => this.taking.giveWay(),
      afterApplying: (action) => this.applies.drained(action),
      failed: (cause) => this.stop("StorageFailed", cause)
    })
  }

  // ---- time -------------------------------------------------------------------------------------------------------

  /** Every `tickMillis`; how late it is, the clock says. Never more than one tick of the core: it would age what waits. */
  tick(): void {
    this.guard(() => {
      const nowMillis = this.ports.nowMillis()
      this.distrustLease()
      this.clock.tick(nowMillis)
      this.feed({ _tag: "Tick" })
      this.proposals.tick()
      this.reads.tick()
      if (nowMillis >= this.expireAtMillis) this.expire(nowMillis)
      if (nowMillis >= this.statusAtMillis) this.tellStatus(nowMillis)
      this.watch()
      this.taking.consider()
      this.proceedToClose(nowMillis)
    })
  }

  private expire(nowMillis: number): void {
    this.expireAtMillis = nowMillis + Limits.node.deadlineCheckMillis
    this.proposals.expire(nowMillis)
    this.reads.expire(nowMillis)
    this.members.expire(nowMillis)
  }

  private watch(): void {
    const delays = this.delays()
    if (delays.hostMillis >= this.options.hostLostMillis) {
      this.stop("HostLost", new Error(`it did not keep up for ${Math.round(delays.hostMillis)} ms`))
      return
    }
    const declines = declineReason(delays, this.options)
    if ((declines === null) !== (this.declines === null)) {
      if (declines !== null && this.driver.state.role === "Leader") this.counters.handovers++
      this.feed({ _tag: "RefuseLeadership", refuse: declines !== null })
    }
    this.declines = declines
    if (declines !== null) this.handOver()
    const ping = this.ping.next(this.clock.millis)
    if (ping !== null) this.ports.host({ kind: "ping", number: ping })
  }

  private delays(): Delays {
    const now = this.clock.millis
    const since = (millis: number | null): number => (millis === null ? 0 : now - millis)
    return {
      flushMillis: since(this.flushes.oldestMillis),
      hostMillis: Math.max(this.ping.unansweredMillis(now), since(this.applies.oldestMillis))
    }
  }

  private handOver(): void {
    const { state } = this.driver
    const to = state.transfer === null ? successor(state) : null
    if (to !== null) this.feed({ _tag: "TransferLeadership", to })
  }

  /** Whoever slept may have been replaced: a lease that ticks still count for proves nothing (thesis 6.4.1). */
  private distrustLease(): void {
    if (this.options.core.reads !== "Lease" || this.driver.state.role !== "Leader") return
    if (this.clock.outlivesLease(this.ports.nowMillis())) this.feed({ _tag: "StepDown" })
  }

  // ---- the network ------------------------------------------------------------------------------------------------

  /** From a peer. */
  receive(message: Message): void {
    this.guard(() => {
      this.counters.messagesReceived++
      if (message._tag === "ReadRequest") this.distrustLease()
      else if (message._tag === "ProposeRequest") {
        if (this.forwards.isRepeated(message.context)) return
        if (this.isFull()) {
          this.pushBack(message)
          return
        }
      }
      this.feed({ _tag: "Receive", message })
    })
  }

  /** A full log takes nothing from other nodes either. */
  private pushBack({ context, from }: Extract<Message, { readonly _tag: "ProposeRequest" }>): void {
    const { id, leader, term } = this.driver.state
    const result: Refused = { _tag: "Refused", context, reason: "TooMuchUncommitted", leader }
    this.send({ _tag: "ProposeResponse", from: id, to: from, term, result })
  }

  unreachable(peer: NodeId): void {
    this.guard(() => this.feed({ _tag: "Unreachable", peer }))
  }

  private send(message: Message): void {
    this.counters.messagesSent++
    this.ports.send(message)
  }

  /** From a client on the network. */
  call(call: Call, reply: (answer: Answer) => void): void {
    this.guard(() => {
      if (call._tag === "Describe") {
        const { configuration, configurationIndex, leader } = coreStatus(this.driver.state)
        reply({ _tag: "Described", leader, configuration, configurationIndex })
        return
      }
      const reason =
        this.calls.size >= Limits.node.callsMax ? "TooMuchUncommitted" : this.refusal(call._tag !== "Query")
      if (reason === null) this.open(call, reply)
      else reply({ _tag: "Failed", failure: { _tag: "Refused", reason, leader: this.driver.state.leader } })
    })
  }

  private open(call: Exclude<Call, { readonly _tag: "Describe" }>, reply: (answer: Answer) => void): void {
    const id = this.calls.open(reply)
    const asker = { to: "call", id } as const
    const deadlineMillis = this.ports.nowMillis() + Limits.node.callMillisMax
    if (call._tag === "Propose") this.proposals.addCommand(asker, call, deadlineMillis)
    else if (call._tag === "OpenSession") this.proposals.addSession(asker, deadlineMillis)
    else if (call._tag === "Query") this.reads.addQuery(id, call.data, deadlineMillis)
    else this.members.add(asker, call, deadlineMillis)
  }

  // ---- the host ---------------------------------------------------------------------------------------------------

  /** From the host's thread. */
  hear(message: HostMessage): void {
    this.guard(() => this.heard(message))
  }

  private heard(message: HostMessage): void {
    switch (message.kind) {
      case "propose":
      case "read":
      case "changeMembers":
        return this.ask(message)
      case "transferLeadership":
        return this.feed({ _tag: "TransferLeadership", to: message.to })
      case "applied":
        return this.applied(message)
      case "answers":
        for (const { call, data, index } of message.answers) this.calls.answer(call, { _tag: "Answered", index, data })
        return
      case "snapshotBegin":
        return this.taking.begun(message.index)
      case "snapshotChunk":
        return this.taking.chunk(message.offset, message.data)
      case "snapshotEnd":
        return this.taking.ended()
      case "snapshotFailed":
        return this.taking.hostFailed()
      case "snapshotRead":
        return this.receiving.read(message.offset, message.bytesMax)
      case "installed":
        if (this.receiving.hostInstalled()) this.proposals.skipped()
        return
      case "pong":
        return this.ping.answered(message.number)
      case "hostFailed":
        return this.stop("HostFailed", new Error(message.message))
    }
  }

  private ask(message: Extract<HostMessage, { readonly request: number }>): void {
    const asker = { to: "host", id: message.request } as const
    const deadlineMillis = this.ports.nowMillis() + message.timeoutMillis
    const reason = this.refusal(message.kind !== "read")
    if (reason !== null) this.fail(asker, { _tag: "Refused", reason, leader: this.driver.state.leader })
    else if (message.kind === "propose") this.proposals.add(asker, message.data, deadlineMillis)
    else if (message.kind === "read") this.reads.add(message.request, deadlineMillis)
    else this.members.add(asker, message, deadlineMillis)
  }

  private applied({ index, outcomes, rejected }: Extract<HostMessage, { readonly kind: "applied" }>): void {
    const claimed = this.applies.applied()
    const of = (to: Asker["to"], id: number): Proposal | undefined =>
      claimed.find(({ askers }) => askers.some((asker) => asker.to === to && asker.id === id))
    for (const { call, outcome } of outcomes) {
      if (outcome._tag === "Applied") this.calls.answer(call, outcome)
      else this.proposals.rejected(of("call", call), outcome)
    }
    for (const { outcome, request } of rejected) this.proposals.rejected(of("host", request), outcome)
    this.feed({ _tag: "Applied", index })
    this.taking.consider()
  }

  /** Committed: who waits for it? A session that is in the log exists. */
  private claim(entry: Entry): Proposal | null {
    this.members.committed(entry)
    const proposal = this.proposals.committed(entry)
    if (proposal?.key?.kind !== "OpenSession") return proposal
    for (const { id } of proposal.askers) this.calls.answer(id, { _tag: "Opened", session: entry.index })
    return null
  }

  private changed({ id, to }: Asker, accepted: Accepted): void {
    if (to === "host") this.ports.host({ kind: "changed", request: id, accepted })
    else this.calls.answer(id, { _tag: "Changed", index: accepted.last })
  }

  private fail({ id, to }: Asker, failure: Failure): void {
    if (to === "host") this.ports.host({ kind: "failed", request: id, failure })
    else this.calls.fail(id, failure)
  }

  private refusal(isWrite: boolean): "Stopped" | "LogFull" | null {
    if (this.closing !== null) return "Stopped"
    return isWrite && this.isFull() ? "LogFull" : null
  }

  private isFull(): boolean {
    const { state } = this.driver
    return state.role === "Leader" && isLogFull(state, this.options)
  }

  // ---- storage ----------------------------------------------------------------------------------------------------

  /** From storage: as StorageListener. */
  durable(sequence: number, logBytes: number): void {
    this.guard(() => {
      this.counters.flushes++
      this.logBytes = logBytes
      this.flushes.durable(sequence)
      this.afterStep()
    })
  }

  failed(failure: StorageError): void {
    this.guard(() => this.stop("StorageFailed", failure))
  }

  // ---- the core ---------------------------------------------------------------------------------------------------

  private feed(input: Input): void {
    this.driver.feed(input)
    this.afterStep()
  }

  private afterStep(): void {
    if (!this.isLeadershipNew) return
    this.isLeadershipNew = false
    this.proposals.leadershipChanged()
    this.reads.leadershipChanged()
    this.tellStatus(this.ports.nowMillis())
  }

  private readIndex(context: Context): void {
    this.distrustLease()
    this.feed({ _tag: "ReadIndex", context })
  }

  private driverPorts(): DriverPorts {
    return {
      write: (append, done) => {
        this.counters.append(append)
        this.flushes.push(append.sequence, this.clock.millis, done)
        this.storage.append(append)
      },
      send: (message) => this.send(message),
      apply: (entries) => this.applies.push(entries, this.clock.millis),
      readSnapshot: (read) => this.readSnapshot(read),
      writeSnapshot: (write) => this.receiving.write(write),
      installSnapshot: (snapshot) => this.receiving.install(snapshot),
      confirmRead: (read) => this.reads.confirmed(read),
      accept: (accepted) => {
        this.proposals.accepted(accepted.context)
        this.members.accepted(accepted)
      },
      refuse: ({ context, leader, reason }) => {
        this.proposals.refused(context, reason, leader)
        this.reads.refused(context, reason)
        this.members.refused(context, reason, leader)
      },
      observe: (before, input, after, ready) => {
        this.counters.observe(before, after, ready)
        if (ready.soft !== null) this.isLeadershipNew = true
        this.ports.observe(before, input, after, ready)
      }
    }
  }

  private readSnapshot(read: SnapshotRead): void {
    const { length, offset, snapshot, to } = read
    this.storage.readSnapshot(snapshot.metadata.index, offset, length, (outcome) => {
      const data = Result.isSuccess(outcome) ? outcome.success : null
      if (data !== null) this.send(chunkOf(this.options.id, read, data))
      this.feed({ _tag: "SnapshotReport", peer: to, ok: data !== null })
    })
  }

  // ---- status and the end -----------------------------------------------------------------------------------------

  status(): Status {
    const { appends, appendedBytes, elections, flushes, handovers, leaderChanges, messagesReceived, messagesSent } =
      this.counters
    const { proposals, refused, retried, unknown } = this.proposals.counters
    return {
      ...coreStatus(this.driver.state),
      ...this.delays(),
      logBytes: this.logBytes,
      pendingProposals: this.proposals.size,
      declines: this.declines,
      counters: {
        elections,
        leaderChanges,
        proposals,
        proposalsRefused: refused,
        proposalsUnknown: unknown,
        proposalsRetried: retried,
        reads: this.reads.count,
        messagesSent,
        messagesReceived,
        appends,
        appendedBytes,
        flushes,
        snapshotsTaken: this.taking.taken,
        snapshotsInstalled: this.receiving.installed,
        handovers
      }
    }
  }

  private tellStatus(nowMillis: number): void {
    this.statusAtMillis = nowMillis + Limits.node.statusMillis
    this.ports.host({ kind: "status", status: this.status() })
  }

  /** Hands over leadership if it has it, waits for what is on its way, for an election timeout at most, and stops. */
  close(done: () => void): void {
    if (this.isStopped) {
      done()
      return
    }
    const { core, tickMillis } = this.options
    this.closing ??= { untilMillis: this.ports.nowMillis() + core.electionTicks * tickMillis, done }
    this.guard(() => this.proceedToClose(this.ports.nowMillis()))
  }

  private proceedToClose(nowMillis: number): void {
    const { closing } = this
    if (closing === null) return
    this.handOver()
    const { progress, role } = this.driver.state
    const isLeading = role === "Leader" && progress.size > 0
    const isBusy = isLeading || this.proposals.size > 0 || this.applies.oldestMillis !== null
    if (isBusy && nowMillis < closing.untilMillis) return
    this.proposals.close()
    this.reads.close()
    this.members.close()
    this.calls.close()
    this.isStopped = true
    closing.done()
  }

  private stop(reason: StopReason, cause: unknown): void {
    if (this.isStopped) return
    this.isStopped = true
    const detail = cause instanceof Error ? cause.message : String(cause)
    const failure = new NodeStopped({ reason, detail, cause })
    this.ports.host({ kind: "stopped", failure })
    this.ports.stopped(failure)
  }

  private guard(action: () => void): void {
    if (this.isStopped) return
    try {
      action()
    } catch (cause) {
      this.stop("RaftFailed", cause)
    }
  }
}
