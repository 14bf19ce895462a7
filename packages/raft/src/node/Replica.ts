/**
 * One node of a cluster, as it runs in the Raft thread: the algorithm and everything that has to go on while the host's
 * thread is busy. It knows no thread, socket, file or clock, so that production and simulation run the same code.
 *
 * This file is the switchboard: what comes from where goes to which part. The parts do not know each other.
 */
import { latest } from "../core/Configuration.ts"
import type { Input } from "../core/Input.ts"
import type { Message, ProposeRequest } from "../core/Message.ts"
import { initialState } from "../core/State.ts"
import type { State } from "../core/State.ts"
import type { Context, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { Answer, Call } from "../transport/Call.ts"
import { ApplyQueue } from "./ApplyQueue.ts"
import { Askers } from "./Askers.ts"
import { AwakeClock } from "./AwakeClock.ts"
import { Closing } from "./Closing.ts"
import { Driver } from "./Driver.ts"
import type { DriverPorts } from "./Driver.ts"
import { stampEnvelope } from "./Envelope.ts"
import { FlushQueue } from "./FlushQueue.ts"
import { Forwards } from "./Forwards.ts"
import { guardedStorage } from "./GuardedStorage.ts"
import type { HostMessage, HostRequest } from "./HostMessage.ts"
import { Learners } from "./Learners.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import { NodeStopped } from "./NodeStopped.ts"
import type { StopReason } from "./NodeStopped.ts"
import { ReplicaCounters } from "./ReplicaCounters.ts"
import type { ReplicaPorts, Start } from "./ReplicaPorts.ts"
import { Snapshots } from "./Snapshots.ts"
import { StallWatch } from "./StallWatch.ts"
import type { ReplicaStatus } from "./Status.ts"
import { coreStatus, peerStatuses } from "./StatusReport.ts"

export type { ReplicaPorts, Start }

const isMembersNews = (before: State, after: State): boolean =>
  before.removedAsOf !== after.removedAsOf ||
  (before.configurations !== after.configurations &&
    latest(before.configurations).index !== latest(after.configurations).index)

export class Replica {
  private readonly options: NodeOptions
  private readonly ports: ReplicaPorts
  private readonly storage: NodeStorage
  private readonly driver: Driver
  private readonly clock: AwakeClock
  private readonly askers: Askers
  private readonly forwards: Forwards
  private readonly applies: ApplyQueue
  private readonly snapshots: Snapshots
  private readonly stalls: StallWatch
  private readonly closing: Closing
  private readonly flushes = new FlushQueue()
  private readonly learners: Learners
  private readonly counters = new ReplicaCounters()
  private readonly runId: string
  private contexts = 0
  private logBytes = 0
  private isLeadershipNew = false
  private areMembersNew = false
  private statusAtMillis = 0
  private isStopped = false

  /** Throws RaftFailure when what was recovered cannot be one node's. */
  constructor(options: NodeOptions, start: Start, ports: ReplicaPorts) {
    const { bootstrap, core, id, tickMillis } = options
    this.options = options
    this.ports = ports
    this.runId = `${id}/${(start.seed >>> 0).toString(36)}`
    this.storage = guardedStorage(ports.storage, (action) => this.guard(action))
    this.driver = new Driver(initialState({ ...start, id, options: core, bootstrap }), this.driverPorts())
    this.clock = new AwakeClock(tickMillis, core.electionTicks, ports.nowMillis())
    const shared = {
      state: () => this.driver.state,
      feed: (input: Input) => this.feed(input),
      send: (message: Message) => this.send(message),
      host: (request: HostRequest) => this.tellHost(request),
      nowMillis: ports.nowMillis
    }
    this.askers = new Askers(options, {
      ...shared,
      propose: (context, data) => this.feed({ _tag: "Propose", context, data: this.stamped(data) }),
      readIndex: (context) => this.readIndex(context),
      later: (action) => ports.later(() => this.guard(action)),
      unique: () => `${this.runId}/${++this.contexts}`
    })
    this.forwards = new Forwards({ ...shared, isFull: () => this.askers.isFull })
    this.applies = new ApplyQueue({ ...shared, claim: (entry) => this.askers.claim(entry) })
    this.snapshots = new Snapshots(options, {
      ...shared,
      storage: this.storage,
      afterApplying: (action) => this.applies.drained(action),
      installed: () => this.askers.proposals.skipped(),
      stop: (reason, cause) => this.stop(reason, cause)
    })
    this.stalls = new StallWatch(options, this.clock, {
      ...shared,
      oldestFlush: () => this.flushes.oldestMillis,
      oldestApply: () => this.applies.oldestMillis,
      stuckApply: () => this.applies.stuckMillis,
      hostLost: (millis) => this.stop("HostLost", new Error(`the host did not keep up for ${Math.round(millis)} ms`))
    })
    this.learners = new Learners({ ...Limits.catchUp, electionTicks: core.electionTicks })
    this.closing = new Closing({
      handOver: () => this.stalls.handOver(),
      isBusy: () => this.isBusy(),
      close: () => {
        this.askers.close()
        this.isStopped = true
      }
    })
  }

  /** Every `tickMillis`; how late it is, the clock says. Never more than one tick of the core: it would age what waits. */
  tick(): void {
    this.guard(() => {
      const nowMillis = this.ports.nowMillis()
      this.stalls.distrustLease(nowMillis)
      this.clock.tick(nowMillis)
      this.feed({ _tag: "Tick" })
      this.learners.tick(this.driver.state)
      this.askers.tick(nowMillis)
      this.stalls.tick()
      this.snapshots.consider()
      if (nowMillis >= this.statusAtMillis) this.tellStatus(nowMillis)
      this.closing.proceed(nowMillis)
    })
  }

  // ---- the network ------------------------------------------------------------------------------------------------

  /** From a peer. */
  receive(message: Message): void {
    this.guard(() => {
      this.counters.values.messagesReceived++
      if (message._tag === "ProposeRequest") return this.receiveProposal(message)
      if (message._tag === "ReadRequest") this.stalls.distrustLease(this.ports.nowMillis())
      this.feed({ _tag: "Receive", message })
    })
  }

  private receiveProposal(message: ProposeRequest): void {
    if (!this.forwards.admits(message)) return
    this.feed({ _tag: "Receive", message: { ...message, data: this.stamped(message.data) } })
  }

  unreachable(peer: NodeId): void {
    this.guard(() => this.feed({ _tag: "Unreachable", peer }))
  }

  /** From a client on the network. */
  call(call: Call, reply: (answer: Answer) => void): void {
    this.guard(() => this.askers.call(call, reply))
  }

  private send(message: Message): void {
    if (this.isStopped) return
    this.counters.values.messagesSent++
    this.ports.send(message)
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
        return this.askers.ask(message)
      case "transferLeadership":
        return this.feed({ _tag: "TransferLeadership", to: message.to })
      case "applied":
        return this.applied(message)
      case "answers":
        return this.askers.answered(message)
      case "snapshotBegin":
      case "snapshotChunk":
      case "snapshotEnd":
      case "snapshotFailed":
      case "snapshotRead":
      case "installed":
        return this.snapshots.hear(message)
      case "pong":
        return this.stalls.pong(message.number)
      case "hostFailed":
        return this.stop("HostFailed", new Error(message.message))
    }
  }

  private tellHost(request: HostRequest): void {
    if (!this.isStopped) this.ports.host(request)
  }

  private applied(message: Extract<HostMessage, { readonly kind: "applied" }>): void {
    this.askers.applied(message, this.applies.applied(this.clock.millis))
    this.feed({ _tag: "Applied", index: message.index })
    this.snapshots.consider()
  }

  // ---- storage ----------------------------------------------------------------------------------------------------

  /** From storage: as StorageListener. */
  durable(sequence: number, logBytes: number): void {
    this.guard(() => {
      this.counters.values.flushes++
      this.counters.values.flushSeconds +=
        (this.clock.millis - (this.flushes.oldestMillis ?? this.clock.millis)) / 1_000
      this.logBytes = logBytes
      this.flushes.durable(sequence)
      this.afterStep()
    })
  }

  failed(failure: StorageError): void {
    this.stop("StorageFailed", failure)
  }

  // ---- the core ---------------------------------------------------------------------------------------------------

  private feed(input: Input): void {
    if (this.isStopped) return
    this.driver.feed(input)
    this.afterStep()
  }

  private afterStep(): void {
    const { areMembersNew, isLeadershipNew } = this
    if (!areMembersNew && !isLeadershipNew) return
    this.areMembersNew = false
    this.isLeadershipNew = false
    if (isLeadershipNew) this.askers.leadershipChanged()
    this.tellStatus(this.ports.nowMillis())
  }

  /** Whoever hands commands to its core sets their time: the leader that appends them is the last. */
  private stamped(data: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> {
    const millis = this.ports.wallMillis()
    return data.map((bytes) => stampEnvelope(bytes, millis))
  }

  private readIndex(context: Context): void {
    this.stalls.distrustLease(this.ports.nowMillis())
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
      readSnapshot: (read) => this.snapshots.read(read),
      writeSnapshot: (write) => this.snapshots.write(write),
      installSnapshot: (snapshot) => this.snapshots.install(snapshot),
      confirmRead: (read) => this.askers.confirmed(read),
      accept: (accepted) => this.askers.accepted(accepted),
      refuse: (refused) => this.askers.refused(refused),
      observe: (before, input, after, ready) => {
        this.counters.observe(before, after, ready)
        if (ready.soft !== null) this.isLeadershipNew = true
        if (isMembersNews(before, after)) this.areMembersNew = true
        this.ports.observe(before, input, after, ready)
      }
    }
  }

  // ---- status and the end -----------------------------------------------------------------------------------------

  status(): ReplicaStatus {
    const { proposals, reads } = this.askers
    return {
      ...coreStatus(this.driver.state),
      peers: peerStatuses(this.driver.state, (learner) => this.learners.verdict(learner)),
      ...this.stalls.delays,
      logBytes: this.logBytes,
      pendingProposals: proposals.size,
      declines: this.stalls.declines,
      snapshotFailure: this.snapshots.failure,
      counters: {
        ...this.counters.values,
        ...proposals.counters,
        reads: reads.count,
        ...this.snapshots.counters,
        handovers: this.stalls.handovers
      }
    }
  }

  private tellStatus(nowMillis: number): void {
    this.statusAtMillis = nowMillis + Limits.node.statusMillis
    this.tellHost({ kind: "status", status: this.status() })
  }

  /** Hands over leadership if it has it, waits for what is on its way, for an election timeout at most, and stops. */
  close(done: () => void): void {
    if (this.isStopped) {
      done()
      return
    }
    const { core, tickMillis } = this.options
    const nowMillis = this.ports.nowMillis()
    this.askers.beginClosing()
    this.guard(() => this.closing.begin(nowMillis, nowMillis + core.electionTicks * tickMillis, done))
  }

  private isBusy(): boolean {
    const { progress, role } = this.driver.state
    const isLeading = role === "Leader" && progress.size > 0
    return isLeading || this.askers.proposals.size > 0 || this.applies.oldestMillis !== null
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
