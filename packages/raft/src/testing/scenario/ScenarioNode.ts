/** One node of a scenario: the production core and storage, on a simulated disk. Says what changes. */
import { configurationAt } from "../../core/Configuration.ts"
import { RaftFailure } from "../../core/Failure.ts"
import type { Input } from "../../core/Input.ts"
import { lastIndex, termAt } from "../../core/Log.ts"
import type { Message } from "../../core/Message.ts"
import type { Options } from "../../core/Options.ts"
import type { Ready, SnapshotRead, SnapshotWrite } from "../../core/Ready.ts"
import { chunkOf } from "../../core/SnapshotSender.ts"
import { configurationOf, initialState } from "../../core/State.ts"
import type { State } from "../../core/State.ts"
import { snapshotId } from "../../core/Types.ts"
import type { Configuration, Entry, NodeId, Snapshot } from "../../core/Types.ts"
import { Driver } from "../../node/Driver.ts"
import type { DriverPorts } from "../../node/Driver.ts"
import type { SessionId, SessionLimits } from "../../node/Sessions.ts"
import type { Survival } from "../../storage/file/SimulatedDisk.ts"
import type { LogOptions } from "../../storage/log/SegmentedLog.ts"
import { StorageError } from "../../storage/StorageError.ts"
import { ClientDesk } from "./ClientDesk.ts"
import type { ClientCommand } from "./ClientDesk.ts"
import { describeConfiguration, describeEntry, describeProgress } from "./Description.ts"
import type { Watcher } from "./Feed.ts"
import { MachineFile } from "./MachineFile.ts"
import { isPowerCut, ScenarioDisk } from "./ScenarioDisk.ts"
import { ScenarioHost } from "./ScenarioHost.ts"

export interface NodeSettings {
  readonly core: Options
  readonly log: LogOptions
  readonly sessions: SessionLimits
  /** Whether the state machine keeps its state on the disk; else it starts from the snapshot. */
  readonly hasDurableState: boolean
}

export interface Surroundings {
  readonly send: (message: Message) => void
  readonly say: (line: string) => void
  /** Never the same twice. */
  readonly unique: () => string
}

export class ScenarioNode {
  readonly id: NodeId
  readonly disk: ScenarioDisk
  private settings: NodeSettings
  private readonly bootstrap: Configuration | null
  private readonly surroundings: Surroundings
  private driver: Driver | null = null
  private isPowerless = false
  private readonly machineFile: MachineFile | null
  /** Those of the last run, when it is down. */
  private clients: ClientDesk
  private host: ScenarioHost
  /** What waits for the end of a step. */
  private later: Array<() => void> = []
  private depth = 0

  constructor(id: NodeId, settings: NodeSettings, bootstrap: Configuration | null, surroundings: Surroundings) {
    this.id = id
    this.settings = settings
    this.bootstrap = bootstrap
    this.surroundings = surroundings
    this.disk = new ScenarioDisk(id, settings.log)
    this.machineFile = settings.hasDurableState
      ? new MachineFile(this.disk.files, `${this.disk.directory}.state`)
      : null
    this.clients = this.newDesk()
    this.host = this.newHost(null)
  }

  /** `null`: it is down. */
  get state(): State | null {
    return this.driver?.state ?? null
  }

  running(): State {
    if (this.driver === null) throw new Error(`${this.id} is down`)
    return this.driver.state
  }

  feed(input: Input): void {
    this.guard(() => {
      this.driver?.feed(input)
      if (input._tag === "Tick" && this.driver !== null) this.clients.tick()
    })
  }

  openSession(name: string, patienceTicks: number, opened: (session: SessionId) => void): void {
    this.running()
    this.guard(() => this.clients.open(name, patienceTicks, opened))
  }

  ask(command: ClientCommand, acknowledged: () => void): void {
    this.running()
    this.guard(() => this.clients.ask(command, acknowledged))
  }

  sync(count: number | undefined): void {
    if (count === undefined) this.disk.isHeld = false
    this.guard(() => this.disk.sync(count))
  }

  /** `survival` says what is left of unflushed writes when it lost its power before. */
  start(seed: number, survival: Survival, core: Partial<Options>): void {
    if (this.driver !== null) throw new Error(`${this.id} runs`)
    this.settings = { ...this.settings, core: { ...this.settings.core, ...core } }
    if (this.isPowerless) this.disk.crash(survival)
    this.isPowerless = false
    this.guard(() => this.open(seed))
  }

  watch(watcher: Watcher): void {
    this.running()
    this.host.watch(watcher)
  }

  unwatch(watcher: Watcher): void {
    this.host.unwatch(watcher)
  }

  crash(survival: Survival): void {
    const count = this.disk.crash(survival)
    this.isPowerless = false
    this.driver = null
    const left = { none: "lost", all: "kept", prefix: "torn", chosen: "kept in part", garbled: "garbled" }[
      survival.kind
    ]
    this.say(`crashes${count > 0 ? `, ${count} ${count === 1 ? "write" : "writes"} ${left}` : ""}`)
  }

  /** The process ends, the machine goes on. */
  kill(): void {
    this.disk.stop()
    this.driver = null
    this.say("is killed")
  }

  takeSnapshot(kept: number): void {
    this.guard(() => {
      const { applied } = this.host
      const { log, configurations } = this.running()
      const term = termAt(log, applied) ?? 0
      const metadata = { index: applied, term, configuration: configurationAt(configurations, applied) }
      const snapshot = this.disk.saveSnapshot(metadata, this.host.image())
      this.driver?.feed({ _tag: "SnapshotTaken", snapshot })
      this.driver?.feed({ _tag: "Compact", index: applied - kept })
      this.disk.compact(applied - kept)
      this.host.compact(applied - kept)
      this.say(`has a snapshot at ${applied}, its log starts after ${this.running().log.baseIndex}`)
    })
  }

  status(): string {
    if (this.driver === null) return `${this.id} is down`
    const state = this.driver.state
    const extent = `log=${state.log.baseIndex}..${lastIndex(state.log)} commit=${state.commit} applied=${state.applied}`
    const vote = `vote=${state.vote ?? "-"}`
    return `${this.id} ${state.role} term=${state.term} leader=${state.leader ?? "-"} ${vote} ${extent} ${describeConfiguration(configurationOf(state))}`
  }

  log(): string {
    const { log } = this.running()
    const entries = log.backing.entries.slice(0, log.length)
    return `${this.id} after ${log.baseIndex}: ${entries.map((entry) => `${entry.index}/${entry.term} ${describeEntry(entry)}`).join(", ")}`
  }

  texts(): string {
    if (this.driver === null) return `${this.id} is down`
    return `${this.id} ${this.host.describe()}`
  }

  sessions(): string {
    return this.driver === null ? `${this.id} is down` : `${this.id} ${this.host.describeSessions()}`
  }

  progress(): ReadonlyArray<string> {
    return [...this.running().progress].map(([peer, progress]) => describeProgress(this.id, peer, progress))
  }

  private say(line: string): void {
    this.surroundings.say(`${this.id} ${line}`)
  }

  /** What an assumption that does not hold, or a disk that fails, does to a node: it stops. */
  private guard(action: () => void): void {
    this.depth += 1
    try {
      action()
      while (this.depth === 1 && this.later.length > 0) this.later.shift()?.()
    } catch (cause) {
      const isDown = this.driver === null
      this.driver = null
      if (isPowerCut(cause)) {
        this.isPowerless = true
        this.say(`loses power before ${this.disk.files.struck}`)
      } else if (cause instanceof RaftFailure || cause instanceof StorageError) {
        this.disk.stop()
        this.say(`${isDown ? "does not start" : "stops"}: ${cause.message}`)
      } else throw cause
    } finally {
      this.depth -= 1
    }
  }

  private open(seed: number): void {
    const { recovered, report } = this.disk.open()
    if (report.torn !== null)
      this.say(`cuts an unfinished write from ${report.torn.file}, offset ${report.torn.offset}`)
    const { id, bootstrap, settings } = this
    this.later = []
    this.clients = this.newDesk()
    this.host = this.newHost(this.disk.snapshotContent())
    const { applied } = this.host
    const initial = initialState({ ...recovered, id, options: settings.core, seed, bootstrap, applied })
    this.driver = new Driver(initial, this.ports())
  }

  private newDesk(): ClientDesk {
    return new ClientDesk({
      electionTicks: this.settings.core.electionTicks,
      propose: (context, data) => this.driver?.feed({ _tag: "Propose", context, data }),
      leadership: () => ({ leader: this.driver?.state.leader ?? null, term: this.driver?.state.term ?? 0 }),
      later: (action) => this.later.push(action),
      unique: this.surroundings.unique,
      say: (line) => this.say(line)
    })
  }

  private newHost(snapshot: Uint8Array | null): ScenarioHost {
    const { sessions } = this.settings
    return new ScenarioHost(snapshot, this.clients, { sessions, file: this.machineFile, say: (line) => this.say(line) })
  }

  private ports(): DriverPorts {
    return {
      write: (append, done) => this.disk.append(append, done),
      send: this.surroundings.send,
      apply: (entries) => this.apply(entries),
      readSnapshot: (read) => this.readSnapshot(read),
      writeSnapshot: (write) => this.writeSnapshot(write),
      installSnapshot: (snapshot) => this.install(snapshot),
      confirmRead: ({ context, index }) => this.say(`may answer ${context} at ${index}`),
      accept: ({ context, first }) => {
        this.say(`learns that ${context} is entry ${first}`)
        this.clients.accepted(context)
      },
      refuse: ({ context, reason, leader }) => {
        this.say(`refuses ${context}: ${reason}${leader === null ? "" : ` leader=${leader}`}`)
        this.clients.refused(context, reason, leader)
      },
      observe: (before, _input, after, ready) => this.observe(before, after, ready)
    }
  }

  private apply(entries: ReadonlyArray<Entry>): void {
    this.say(`applies ${entries.map((entry) => `${entry.index} ${describeEntry(entry)}`).join(", ")}`)
    this.host.apply(entries)
    this.feed({ _tag: "Applied", index: this.host.applied })
  }

  private readSnapshot(read: SnapshotRead): void {
    const data = this.disk.readSnapshot(read.snapshot, read.offset, read.length)
    if (data !== null) this.surroundings.send(chunkOf(this.id, read, data))
    this.feed({ _tag: "SnapshotReport", peer: read.to, ok: data !== null })
  }

  private writeSnapshot({ snapshot, offset, data }: SnapshotWrite): void {
    this.disk.writeChunk(snapshot, offset, data, (received) =>
      this.feed({ _tag: "SnapshotStored", id: snapshotId(snapshot), offset: received })
    )
  }

  private install(snapshot: Snapshot): void {
    const id = snapshotId(snapshot)
    const done = () => {
      this.say(`installs the snapshot at ${snapshot.metadata.index}`)
      this.host.replace(this.disk.snapshotContent())
      this.feed({ _tag: "SnapshotInstalled", id })
    }
    const refused = (reason: StorageError) => {
      this.say(`refuses the snapshot at ${snapshot.metadata.index}: ${reason.message}`)
      this.feed({ _tag: "SnapshotRefused", id })
    }
    this.disk.install(done, refused)
  }

  private observe(before: State, after: State, { append }: Ready): void {
    if (before.leader !== after.leader || before.term !== after.term) {
      this.later.push(() => this.clients.leadershipChanged())
    }
    if (before.role !== after.role || before.term !== after.term) this.say(`is ${after.role} in term ${after.term}`)
    if (append !== null && append.truncateFrom !== null) this.say(`drops its log from ${append.truncateFrom}`)
    if (before.commit !== after.commit) this.say(`commits up to ${after.commit}`)
    if (before.configurations !== after.configurations && before.log.baseIndex === after.log.baseIndex) {
      this.say(`goes by ${describeConfiguration(configurationOf(after))}`)
    }
  }
}
