/** One node of a simulated cluster: the production core and its driver, on a disk and a clock of its own. */

import { configurationAt } from "../../core/Configuration.ts"
import type { Input } from "../../core/Input.ts"
import type { Log } from "../../core/Log.ts"
import type { Message } from "../../core/Message.ts"
import type { Append, SnapshotRead, SnapshotWrite } from "../../core/Ready.ts"
import { chunkOf } from "../../core/SnapshotSender.ts"
import { configurationOf, initialState } from "../../core/State.ts"
import { snapshotId } from "../../core/Types.ts"
import type { Configuration, Entry, NodeId, Snapshot } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import { Driver } from "../../node/Driver.ts"
import type { ClusterOptions } from "./Cluster.ts"
import type { Reply, Request } from "./Clients.ts"
import { Disk } from "./Disk.ts"
import type { SnapshotFile } from "./Disk.ts"
import type { MembershipChange } from "./Membership.ts"
import type { Oracle } from "./Oracle.ts"
import { Observer } from "./Observer.ts"
import { checksumOf } from "./Checksum.ts"
import { Process } from "./Process.ts"
import { raftOptions, tickMillis } from "./Profile.ts"
import { Requests } from "./Requests.ts"
import { StateMachine } from "./StateMachine.ts"

export interface ReplicaOptions extends ClusterOptions {
  readonly id: NodeId
  readonly random: SeededRandom
  /** The cluster's first configuration; null for a node that waits to be added. */
  readonly bootstrap: Configuration | null
  readonly oracle: Oracle
  readonly send: (message: Message) => void
  readonly diskOf: (member: NodeId) => Disk | undefined
}

/** What lives as long as the process. */
interface Run {
  readonly driver: Driver
  readonly requests: Requests
  machine: StateMachine
  /** Bytes of the snapshot that is being received. */
  incoming: Uint8Array
  /** Batches of entries are applied one after the other. */
  applyingUntilMillis: number
  isFailing: boolean
}

export class Replica {
  readonly id: NodeId
  readonly disk: Disk
  private readonly options: ReplicaOptions
  private readonly process: Process
  private readonly observer: Observer
  private readonly tickEvery: number
  private run: Run | null = null
  private runs = 0
  /** What the state machine has on its own disk, at some index between the log's base and the last applied. */
  private machineImage: Uint8Array = new Uint8Array()
  private diskFails = false
  private crashesOnWrite = false
  private isGone = false

  constructor(options: ReplicaOptions) {
    this.options = options
    this.id = options.id
    const { random, queue, counters, profile } = options
    this.disk = new Disk(random.fork(), queue, counters, options.bootstrap)
    this.disk.speed = { syncMillisMin: 1, syncMillisMax: profile.syncMillisMax }
    this.process = new Process(queue, random.fork(), counters)
    this.observer = new Observer(options, this.disk)
    this.tickEvery = tickMillis * (1 + random.between(-profile.driftPercentMax, profile.driftPercentMax) / 100)
  }

  isRunning(): boolean {
    return this.run !== null
  }

  isLeader(): boolean {
    return this.run?.driver.state.role === "Leader"
  }

  term(): number {
    return this.run?.driver.state.term ?? this.disk.durableHardState().term
  }

  /** The latest, in effect as soon as it is in the log. */
  configuration(): Configuration {
    return this.run === null ? this.disk.latestConfiguration() : configurationOf(this.run.driver.state)
  }

  applied(): number {
    return this.run?.machine.applied ?? 0
  }

  /** Null while it is down. */
  log(): Log | null {
    return this.run?.driver.state.log ?? null
  }

  digest(): number {
    return this.run?.machine.digest ?? 0
  }

  describe(): string {
    if (this.run === null) return `${this.id} is down`
    const { role, term, leader, commit, applied, log } = this.run.driver.state
    const { voters, learners, outgoing } = this.configuration()
    const members = `voters ${voters.join(",")} outgoing ${outgoing.join(",")} learners ${learners.join(",")}`
    const extent = `log ${log.baseIndex}+${log.length} commit ${commit} applied ${applied}`
    return `${this.id} ${role} term ${term} leader ${leader ?? "-"} ${extent} ${members}`
  }

  // ---- life -------------------------------------------------------------------------------------------------------

  start(): void {
    if (this.run !== null || this.isGone) return
    const { options, disk } = this
    const { hardState, snapshot, base, entries } = disk.durable()
    const image = StateMachine.restore(this.machineImage)
    const isBehind = snapshot !== null && snapshot.snapshot.metadata.index > image.applied
    const machine = isBehind ? StateMachine.restore(snapshot.bytes) : image
    const state = initialState({
      id: this.id,
      options: raftOptions(options.profile, this.id),
      seed: options.random.bits(),
      hardState,
      snapshot: snapshot?.snapshot ?? null,
      base,
      entries,
      bootstrap: options.bootstrap,
      applied: machine.applied
    })
    this.runs++
    const driver = new Driver(state, {
      write: (append, done) => this.write(append, done),
      send: (message) => {
        this.observer.sends(driver.state, message)
        options.send(message)
      },
      apply: (committed) => this.apply(committed),
      readSnapshot: (read) => this.readSnapshot(read),
      writeSnapshot: (write) => this.writeSnapshot(write),
      installSnapshot: (received) => this.installSnapshot(received),
      confirmRead: (read) => this.run?.requests.confirm(read),
      accept: () => {},
      refuse: (refused) => this.run?.requests.refuse(refused),
      observe: (before, input, after, ready) => this.observer.observe(before, input, after, ready)
    })
    const requests = new Requests(`${this.id}.${this.runs}`, this.id, options.oracle, options.counters)
    this.run = { driver, requests, machine, incoming: new Uint8Array(), applyingUntilMillis: 0, isFailing: false }
    requests.applied(machine.applied, undefined, machine)
    this.options.trace.add(`${options.queue.nowMillis} ${this.id} starts at ${machine.applied}`)
    this.process.start(this.tickEvery, () => this.feed({ _tag: "Tick" }))
  }

  crash(): void {
    if (this.run === null) return
    this.options.trace.add(`${this.options.queue.nowMillis} ${this.id} crashes`)
    this.run = null
    this.diskFails = false
    this.crashesOnWrite = false
    this.process.stop()
    this.disk.crash()
  }

  /** The machine is lost for good. Its disk stays as it was, for what can still be said about it. */
  destroy(): void {
    this.crash()
    this.isGone = true
  }

  heal(): void {
    this.diskFails = false
    this.crashesOnWrite = false
    this.disk.stalledUntilMillis = 0
    this.disk.speed = { syncMillisMin: 1, syncMillisMax: 2 }
    this.process.resume()
    this.start()
  }

  pause(millis: number): void {
    if (this.run !== null) this.process.pause(millis)
  }

  jumpClock(ticks: number): void {
    this.process.jump(ticks)
  }

  stallDisk(millis: number): void {
    this.disk.stalledUntilMillis = this.options.queue.nowMillis + millis
  }

  crashWhileWriting(): void {
    this.crashesOnWrite = true
  }

  failDisk(): void {
    this.diskFails = true
  }

  // ---- what comes from outside ------------------------------------------------------------------------------------

  receive(_from: NodeId, message: Message): void {
    this.process.run(() => this.feed({ _tag: "Receive", message }))
  }

  ask(request: Request, reply: (reply: Reply) => void): void {
    this.process.run(() => {
      const run = this.run
      if (run === null) return
      this.feed(run.requests.open(request, reply))
    })
  }

  transferLeadership(to: NodeId): void {
    this.process.run(() => this.feed({ _tag: "TransferLeadership", to }))
  }

  /** False while the process is paused: what the operator decided may no longer be sensible when it goes on. */
  changeMembers({ voters, learners }: MembershipChange): boolean {
    const context = this.run?.requests.nextContext()
    if (context === undefined || this.process.isPaused) return false
    this.feed({ _tag: "ProposeConfiguration", context, voters, learners, autoLeave: true, expectedIndex: null })
    return true
  }

  private feed(input: Input): void {
    this.run?.driver.feed(input)
  }

  // ---- what the driver asks for -----------------------------------------------------------------------------------

  private write(append: Append, done: () => void): void {
    if (this.diskFails || this.run?.isFailing === true) {
      this.stopSoon(0, "disk: error")
      return
    }
    if (this.crashesOnWrite) {
      this.crashesOnWrite = false
      this.stopSoon(this.options.random.between(0, 5), "crash: while writing")
    }
    const { hardState, truncateFrom, entries } = append
    this.disk.write({ hardState, truncateFrom, entries, install: null }, this.whileRunning(done))
  }

  /** The process ends, and is started again later. A write that failed is never acknowledged, nor is anything after it. */
  private stopSoon(delayMillis: number, counter: string): void {
    const { queue, random, counters } = this.options
    const { run } = this
    if (run === null || run.isFailing) return
    counters.add(counter)
    run.isFailing = delayMillis === 0
    queue.plan(delayMillis, () => {
      if (this.run === run) this.crash()
    })
    queue.plan(delayMillis + random.between(100, 3000), () => this.start())
  }

  private apply(entries: ReadonlyArray<Entry>): void {
    const { options } = this
    const run = this.run
    if (run === null) return
    const { nowMillis } = options.queue
    run.applyingUntilMillis = Math.max(run.applyingUntilMillis, nowMillis + options.random.between(0, 2))
    options.queue.plan(
      run.applyingUntilMillis - nowMillis,
      this.whileRunning(() => {
        for (const entry of entries) {
          if (entry.index <= run.machine.applied) continue
          const applied = run.machine.apply(entry)
          options.oracle.applies(this.id, entry, run.machine.digest)
          run.requests.applied(entry.index, applied, run.machine)
        }
        if (options.random.chance(5)) this.machineImage = run.machine.image()
        this.feed({ _tag: "Applied", index: run.machine.applied })
        this.takeSnapshot(run)
      })
    )
  }

  private takeSnapshot({ machine, driver }: Run): void {
    const { profile, counters } = this.options
    const { state } = driver
    const newest = state.snapshot?.metadata.index ?? 0
    if (machine.applied - newest < profile.snapshotEvery || state.incoming?.isInstalling === true) return
    const bytes = machine.image()
    const index = machine.applied
    const term = this.options.oracle.committedTerm(index)
    const snapshot: Snapshot = {
      metadata: { index, term, configuration: configurationAt(state.configurations, index) },
      bytes: bytes.length,
      checksum: checksumOf(bytes)
    }
    counters.add("snapshot: taken")
    this.machineImage = bytes
    this.disk.keepSnapshot({ snapshot, bytes })
    this.feed({ _tag: "SnapshotTaken", snapshot })
    const compactTo = index - profile.trailing
    if (compactTo <= 0) return
    this.feed({ _tag: "Compact", index: compactTo })
    this.disk.compact(compactTo)
  }

  private readSnapshot(read: SnapshotRead): void {
    const { queue, random, counters } = this.options
    queue.plan(
      random.between(0, 3),
      this.whileRunning(() => {
        const file: SnapshotFile | null = this.disk.durable().snapshot
        const ok = file !== null && snapshotId(file.snapshot) === snapshotId(read.snapshot)
        counters.add(ok ? "snapshot: chunk read" : "snapshot: gone before it was sent")
        if (ok) this.options.send(chunkOf(this.id, read, file.bytes.slice(read.offset, read.offset + read.length)))
        this.feed({ _tag: "SnapshotReport", peer: read.to, ok })
      })
    )
  }

  private writeSnapshot({ snapshot, offset, data }: SnapshotWrite): void {
    const { queue, random } = this.options
    const run = this.run
    if (run === null) return
    const bytes = new Uint8Array(offset + data.length)
    bytes.set(run.incoming.subarray(0, offset))
    bytes.set(data, offset)
    // A bit that flips on the way is found by the checksum of the whole, at the latest.
    if (random.chance(0.3) && data.length > 0) bytes[offset] = (bytes[offset] ?? 0) ^ 1
    run.incoming = bytes
    queue.plan(
      random.between(0, 3),
      this.whileRunning(() =>
        this.feed({ _tag: "SnapshotStored", id: snapshotId(snapshot), offset: offset + data.length })
      )
    )
  }

  private installSnapshot(snapshot: Snapshot): void {
    const { counters, oracle } = this.options
    const run = this.run
    if (run === null) return
    const bytes = run.incoming
    if (bytes.length !== snapshot.bytes || checksumOf(bytes) !== snapshot.checksum) {
      counters.add("snapshot: damaged")
      this.options.queue.plan(
        0,
        this.whileRunning(() => this.feed({ _tag: "SnapshotRefused", id: snapshotId(snapshot) }))
      )
      return
    }
    const write = { hardState: null, truncateFrom: null, entries: [], install: { snapshot, bytes } }
    this.disk.write(
      write,
      this.whileRunning(() => {
        counters.add("snapshot: installed")
        this.machineImage = bytes
        run.machine = StateMachine.restore(bytes)
        oracle.agrees(this.id, run.machine.applied, run.machine.digest)
        this.feed({ _tag: "SnapshotInstalled", id: snapshotId(snapshot) })
        run.requests.applied(run.machine.applied, undefined, run.machine)
      })
    )
  }

  /** For answers of disk and state machine: only the process that asked hears them, and only while it is not paused. */
  private whileRunning(action: () => void): () => void {
    const run = this.run
    return () => {
      if (this.run !== run) return
      this.process.run(() => {
        if (this.run === run) action()
      })
    }
  }
}
