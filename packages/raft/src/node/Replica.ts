/**
 * One node of a cluster, as it runs in the Raft thread: the algorithm and everything that has to go on while the host's
 * thread is busy. It knows no thread, socket, file or clock, so that production and simulation run the same code.
 *
 * This file is the switchboard: what comes from where goes to which part. The parts do not know each other.
 */
import { Result } from "effect"
import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { Ready, Refused, SnapshotRead } from "../core/Ready.ts"
import { chunkOf } from "../core/SnapshotSender.ts"
import { initialState } from "../core/State.ts"
import type { Recovered, State } from "../core/State.ts"
import type { Context, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { Answer, Call } from "../transport/Call.ts"
import { ApplyQueue } from "./ApplyQueue.ts"
import { Askers } from "./Askers.ts"
import { AwakeClock } from "./AwakeClock.ts"
import { Driver } from "./Driver.ts"
import type { DriverPorts } from "./Driver.ts"
import { FlushQueue } from "./FlushQueue.ts"
import { Forwards } from "./Forwards.ts"
import { guardedStorage } from "./GuardedStorage.ts"
import type { HostMessage, HostRequest } from "./HostMessage.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import { NodeStopped } from "./NodeStopped.ts"
import type { StopReason } from "./NodeStopped.ts"
import { ReplicaCounters } from "./ReplicaCounters.ts"
import { SnapshotReceiving } from "./SnapshotReceiving.ts"
import { SnapshotTaking } from "./SnapshotTaking.ts"
import { StallWatch } from "./StallWatch.ts"
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
  private readonly askers: Askers
  private readonly applies: ApplyQueue
  private readonly taking: SnapshotTaking
  private readonly receiving: SnapshotReceiving
  private readonly stalls: StallWatch
  private readonly flushes = new FlushQueue()
  private readonly forwards = new Forwards()
  private readonly counters = new ReplicaCounters()
  private readonly run: string
  private contexts = 0
  private logBytes = 0
  private isLeadershipNew = false
  private statusAtMillis = 0
  private closing: { readonly untilMillis: number; readonly done: () => void } | null = null
  private isStopped = false

  /** Throws RaftFailure when what was recovered cannot be one node's. */
  constructor(options: NodeOptions, start: Start, ports: ReplicaPorts) {
    const { bootstrap, core, id, tickMillis } = options
    this.options = options
    this.ports = ports
    this.run = `${id}/${(start.seed >>> 0).toString(36)}`
    this.storage = guardedStorage(ports.storage, (action) => this.guard(action))
    this.driver = new Driver(initialState({ ...start, id, options: core, bootstrap }), this.driverPorts())
    this.clock = new AwakeClock(tickMillis, core.electionTicks, ports.nowMillis())
    const shared = {
      storage: this.storage,
      host: ports.host,
      nowMillis: ports.nowMillis,
      state: () => this.driver.state,
      feed: (input: Input) => this.feed(input)
    }
    this.askers = new Askers(options, {
      ...shared,
      readIndex: (context) => this.readIndex(context),
      later: (action) => ports.later(() => this.guard(action)),
      unique: () => `${this.run}/${++this.contexts}`
    })
    this.applies = new ApplyQueue({ ...shared, claim: (entry) => this.askers.claim(entry) })
    this.taking = new SnapshotTaking(options, shared)
    this.receiving = new SnapshotReceiving({
      ...shared,
      giveWay: () => this.taking.giveWay(),
      afterApplying: (action) => this.applies.drained(action),
      failed: (cause) => this.stop("StorageFailed", cause)
    })
    this.stalls = new StallWatch(options, this.clock, {
      ...shared,
      oldestFlush: () => this.flushes.oldestMillis,
      oldestApply: () => this.applies.oldestMillis,
      hostLost: (millis) => this.stop("HostLost", new Error(`the host did not keep up for ${Math.round(millis)} ms`))
    })
  }

  /** Every `tickMillis`; how late it is, the clock says. Never more than one tick of the core: it would age what waits. */
  tick(): void {
    this.guard(() => {
      const nowMillis = this.ports.nowMillis()
      this.stalls.distrustLease(nowMillis)
      this.clock.tick(nowMillis)
      this.feed({ _tag: "Tick" })
      this.askers.tick(nowMillis)
      this.stalls.tick()
      this.taking.consider()
      if (nowMillis >= this.statusAtMillis) this.tellStatus(nowMillis)
      this.proceedToClose(nowMillis)
    })
  }

  // ---- the network ------------------------------------------------------------------------------------------------

  /** From a peer. */
  receive(message: Message): void {
    this.guard(() => {
      this.counters.values.messagesReceived++
      if (message._tag === "ProposeRequest" && !this.mayPropose(message)) return
      if (message._tag === "ReadRequest") this.stalls.distrustLease(this.ports.nowMillis())
      this.feed({ _tag: "Receive", message })
    })
  }

  private mayPropose({ context, from }: Extract<Message, { readonly _tag: "ProposeRequest" }>): boolean {
    if (this.forwards.isRepeated(context)) return false
    if (!this.askers.isFull) return true
    const { id, leader, term } = this.driver.state
    const result: Refused = { _tag: "Refused", context, reason: "TooMuchUncommitted", leader }
    this.send({ _tag: "ProposeResponse", from: id, to: from, term, result })
    return false
  }

  unreachable(peer: NodeId): void {
    this.guard(() => this.feed({ _tag: "Unreachable", peer }))
  }

  /** From a client on the network. */
  call(call: Call, reply: (answer: Answer) => void): void {
    this.guard(() => this.askers.call(call, reply))
  }

  private send(message: Message): void {
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
        if (this.receiving.hostInstalled()) this.askers.proposals.skipped()
        return
      case "pong":
        return this.stalls.pong(message.number)
      case "hostFailed":
        return this.stop("HostFailed", new Error(message.message))
    }
  }

  private applied(message: Extract<HostMessage, { readonly kind: "applied" }>): void {
    this.askers.applied(message, this.applies.applied())
    this.feed({ _tag: "Applied", index: message.index })
    this.taking.consider()
  }

  // ---- storage ----------------------------------------------------------------------------------------------------

  /** From storage: as StorageListener. */
  durable(sequence: number, logBytes: number): void {
    this.guard(() => {
      this.counters.values.flushes++
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
    this.driver.feed(input)
    this.afterStep()
  }

  private afterStep(): void {
    if (!this.isLeadershipNew) return
    this.isLeadershipNew = false
    this.askers.leadershipChanged()
    this.tellStatus(this.ports.nowMillis())
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
      readSnapshot: (read) => this.readSnapshot(read),
      writeSnapshot: (write) => this.receiving.write(write),
      installSnapshot: (snapshot) => this.receiving.install(snapshot),
      confirmRead: (read) => this.askers.confirmed(read),
      accept: (accepted) => this.askers.accepted(accepted),
      refuse: (refused) => this.askers.refused(refused),
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
    const { proposals, reads } = this.askers
    return {
      ...coreStatus(this.driver.state),
      ...this.stalls.delays,
      logBytes: this.logBytes,
      pendingProposals: proposals.size,
      declines: this.stalls.declines,
      counters: {
        ...this.counters.values,
        ...proposals.counters,
        reads: reads.count,
        snapshotsTaken: this.taking.taken,
        snapshotsInstalled: this.receiving.installed,
        handovers: this.stalls.handovers
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
    const nowMillis = this.ports.nowMillis()
    this.closing = { untilMillis: nowMillis + core.electionTicks * tickMillis, done }
    this.askers.beginClosing()
    this.guard(() => this.proceedToClose(nowMillis))
  }

  private proceedToClose(nowMillis: number): void {
    const { closing } = this
    if (closing === null) return
    this.stalls.handOver()
    const { progress, role } = this.driver.state
    const isLeading = role === "Leader" && progress.size > 0
    const isBusy = isLeading || this.askers.proposals.size > 0 || this.applies.oldestMillis !== null
    if (isBusy && nowMillis < closing.untilMillis) return
    this.askers.close()
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
