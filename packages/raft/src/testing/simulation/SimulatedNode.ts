/**
 * One node of a simulated cluster: the production node on the production storage, with a clock, a disk, two threads and a
 * state machine of its own, and everything that may befall them.
 */

import type { Log } from "../../core/Log.ts"
import type { Message } from "../../core/Message.ts"
import { configurationOf } from "../../core/State.ts"
import type { State } from "../../core/State.ts"
import type { Configuration, Index, NodeId, Term } from "../../core/Types.ts"
import type { MemberChange, Proposed, Reply } from "../../node/Host.ts"
import type { DiskStorage } from "../../storage/DiskStorage.ts"
import type { Answer, Call } from "../../transport/Call.ts"
import type { KeyValueInput } from "../checker/KeyValue.ts"
import { encodeCommand } from "../machine/KeyValueCommand.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { ClusterOptions } from "./Cluster.ts"
import { Clock } from "./Clock.ts"
import { endOf } from "./Endings.ts"
import { MachineFile } from "./MachineFile.ts"
import { NodeDisk } from "./NodeDisk.ts"
import type { Oracle } from "./Oracle.ts"
import { logOptions, tickMillis } from "./Profile.ts"
import { CrashWhileApplying } from "../machine/MemoryKeyValue.ts"
import type { MachineWatcher } from "../machine/MemoryKeyValue.ts"
import { SimulatedProcess } from "./SimulatedProcess.ts"
import { Thread } from "./Thread.ts"

export interface SimulatedNodeOptions extends ClusterOptions {
  readonly id: NodeId
  readonly random: SeededRandom
  /** The cluster's first configuration; null for a node that waits to be added. */
  readonly bootstrap: Configuration | null
  readonly oracle: Oracle
  readonly send: (message: Message) => void
  readonly diskOf: (member: NodeId) => NodeDisk | undefined
  /** It found its disk damaged: the operator has to replace it. */
  readonly lost: (id: NodeId) => void
}

export class SimulatedNode {
  readonly id: NodeId
  readonly disk: NodeDisk
  private readonly options: SimulatedNodeOptions
  private readonly raftThread: Thread
  private readonly hostThread: Thread
  private readonly clock: Clock
  private readonly machineFile = new MachineFile()
  private run: SimulatedProcess | null = null
  /** Counts the processes that this node had; another one hears nothing of what was asked of this one. */
  processNumber = 0
  private crashesWhileApplying = false
  private isGone = false

  constructor(options: SimulatedNodeOptions) {
    this.options = options
    this.id = options.id
    const { random, queue, counters, profile } = options
    this.disk = new NodeDisk(random.fork(), counters, logOptions(profile), options.bootstrap)
    this.raftThread = new Thread(queue)
    this.hostThread = new Thread(queue)
    const driftPercent = random.between(-profile.driftPercentMax, profile.driftPercentMax)
    this.clock = new Clock(queue, random.fork(), counters, this.raftThread, { tickMillis, driftPercent })
  }

  // ---- what can be seen from outside --------------------------------------------------------------------------------

  isRunning(): boolean {
    return this.run !== null
  }

  /** Neither down nor asleep. */
  isAwake(): boolean {
    return this.run?.isOver === false && !this.raftThread.isPaused && !this.hostThread.isPaused
  }

  isLeader(): boolean {
    return this.state()?.role === "Leader"
  }

  term(): Term {
    return this.state()?.term ?? this.disk.hardState.term
  }

  /** The latest, in effect as soon as it is in the log. */
  configuration(): Configuration {
    const state = this.state()
    return state === null ? this.disk.durable.latestConfiguration() : configurationOf(state)
  }

  /** Names the latest configuration for a change of it. */
  configurationIndex(): Index {
    return this.state()?.configurations.at(-1)?.index ?? 0
  }

  applied(): Index {
    return this.run?.host.applied ?? 0
  }

  /** Null while it is down. */
  log(): Log | null {
    return this.state()?.log ?? null
  }

  /** All of its state machine; empty while it is down. */
  image(): Uint8Array {
    return this.run?.machine.image() ?? new Uint8Array()
  }

  describe(): string {
    const state = this.state()
    if (state === null) return `${this.id} is down`
    const { role, term, leader, commit, applied, log } = state
    const { voters, learners, outgoing } = this.configuration()
    const members = `voters ${voters.join(",")} outgoing ${outgoing.join(",")} learners ${learners.join(",")}`
    const extent = `log ${log.baseIndex}+${log.length} commit ${commit} applied ${applied}`
    return `${this.id} ${role} term ${term} leader ${leader ?? "-"} ${extent} ${members}`
  }

  private state(): State | null {
    return this.run?.observer.latest ?? null
  }

  // ---- life ---------------------------------------------------------------------------------------------------------

  start(): void {
    if (this.run !== null || this.isGone) return
    const { counters, profile, random } = this.options
    let storage: DiskStorage
    try {
      storage = this.disk.open(profile.faults.includes("crash while writing") && random.chance(10))
    } catch (cause) {
      return this.cannotStart(cause)
    }
    const { bytes } = storage.report.snapshot === null ? { bytes: 0 } : (storage.snapshots.latest ?? { bytes: 0 })
    if (bytes > 0) counters.add("storage: snapshot recovered")
    this.options.trace.add(`${this.options.queue.nowMillis} ${this.id} starts`)
    this.run = this.begin(storage)
    this.clock.start(this.run.bound(() => this.run?.replica.tick()))
  }

  private begin(opened: DiskStorage): SimulatedProcess {
    const machine = this.machineFile.open(this.watcher())
    return new SimulatedProcess({
      node: this.options,
      disk: this.disk,
      opened,
      machine,
      raftThread: this.raftThread,
      hostThread: this.hostThread,
      clock: this.clock,
      stopped: (failure) => this.stopped(failure),
      cut: () => this.stopSoon("crash: while writing")
    })
  }

  private watcher(): MachineWatcher {
    const { oracle, counters, random } = this.options
    return {
      step: () => {
        if (!this.crashesWhileApplying || !random.chance(40)) return
        this.crashesWhileApplying = false
        throw new CrashWhileApplying()
      },
      executed: (index, write) => oracle.executes(this.id, index, write),
      applied: (machine) => {
        oracle.agrees(this.id, machine.applied, machine.digest)
        if (random.chance(5)) this.machineFile.flush(machine)
      },
      restored: (machine) => {
        counters.add("machine: restored")
        oracle.agrees(this.id, machine.applied, machine.digest)
        this.machineFile.flush(machine)
      }
    }
  }

  /** The process dies, and with it often the machine. */
  crash(): void {
    const { run } = this
    if (run === null) return
    this.options.trace.add(`${this.options.queue.nowMillis} ${this.id} crashes`)
    this.report(run)
    run.end()
    this.end()
    if (this.disk.crash() === "process") this.machineFile.flush(run.machine)
  }

  private end(): void {
    this.run = null
    this.processNumber++
    this.crashesWhileApplying = false
    this.raftThread.stop()
    this.hostThread.stop()
    this.clock.stop()
  }

  /** What the node itself counted. */
  private report({ replica }: SimulatedProcess): void {
    const { counters } = this.options
    for (const [name, times] of Object.entries(replica.status().counters)) {
      if (times > 0) counters.add(`node: ${name}`, times)
    }
  }

  /** The node says that it cannot go on. */
  private stopped(failure: Error): void {
    try {
      this.stopSoon(`stopped: ${endOf(failure, this.disk.isDamaged).name}`)
    } catch (cause) {
      this.options.queue.fail(cause)
    }
  }

  /** The process ends at once, and is started again later. */
  private stopSoon(counter: string): void {
    const { queue, counters, random } = this.options
    const { run } = this
    if (run === null || run.isOver) return
    counters.add(counter)
    this.options.trace.add(`${queue.nowMillis} ${this.id} ${counter}`)
    run.end()
    queue.plan(0, () => {
      if (this.run !== run) return
      this.crash()
      queue.plan(random.between(100, 3000), () => this.start())
    })
  }

  private cannotStart(cause: unknown): void {
    const { queue, counters, random } = this.options
    const ending = endOf(cause, this.disk.isDamaged)
    counters.add(`cannot start: ${ending.name}`)
    this.options.trace.add(`${queue.nowMillis} ${this.id} cannot start: ${ending.name}`)
    if (ending.isLost) {
      this.isGone = true
      this.options.lost(this.id)
      return
    }
    this.disk.crash()
    queue.plan(random.between(100, 3000), () => this.start())
  }

  /** The machine is lost for good. Its disk stays as it was, for what can still be said about it. */
  destroy(): void {
    this.crash()
    this.isGone = true
  }

  heal(): void {
    this.crashesWhileApplying = false
    this.disk.mend()
    this.raftThread.resume()
    this.hostThread.resume()
    this.start()
  }

  /** The run is over: counts what the last process did. */
  finish(): void {
    if (this.run !== null) this.report(this.run)
  }

  // ---- faults -------------------------------------------------------------------------------------------------------

  /** Both threads, as of a stopped virtual machine. */
  pause(millis: number): void {
    this.pauseRaftThread(millis)
    this.blockHost(millis)
  }

  pauseRaftThread(millis: number): void {
    if (this.run === null) return
    const { random } = this.options
    this.raftThread.pause(millis, () => {
      if (random.chance(30)) this.clock.jump(random.between(1, 30))
    })
  }

  blockHost(millis: number): void {
    if (this.run !== null) this.hostThread.pause(millis)
  }

  jumpClock(ticks: number): void {
    this.clock.jump(ticks)
  }

  stallDisk(millis: number): void {
    this.disk.stalledUntilMillis = this.options.queue.nowMillis + millis
  }

  crashWhileApplying(): void {
    this.crashesWhileApplying = true
  }

  /** It is told to stop, hands over, and is started again. */
  stopGracefully(): void {
    const { run } = this
    if (run === null) return
    this.raftThread.run(run.bound(() => run.replica.close(() => this.stopSoon("stopped: as planned"))))
  }

  // ---- what comes from outside --------------------------------------------------------------------------------------

  receive(message: Message): void {
    this.inRaft(({ replica }) => replica.receive(message))
  }

  call(call: Call, reply: (answer: Answer) => void): void {
    this.inRaft(({ replica }) => replica.call(call, reply))
  }

  proposeLocally(data: Uint8Array, timeoutMillis: number, reply: Reply<Proposed>): void {
    this.inHost(({ host }) => host.propose(data, timeoutMillis, reply))
  }

  readLocally(input: KeyValueInput, timeoutMillis: number, reply: Reply<Uint8Array>): void {
    this.inHost(({ host, machine }) =>
      host.read(timeoutMillis, (outcome) =>
        reply(outcome._tag === "Done" ? { _tag: "Done", value: machine.query(encodeCommand(input)) } : outcome)
      )
    )
  }

  transferLeadership(to: NodeId): void {
    this.inHost(({ host }) => host.transferLeadership(to))
  }

  changeMembers(change: MemberChange, timeoutMillis: number, reply: Reply<Index>): void {
    this.inHost(({ host }) => host.changeMembers(change, timeoutMillis, reply))
  }

  private inRaft(action: (run: SimulatedProcess) => void): void {
    this.inThread(this.raftThread, action)
  }

  private inHost(action: (run: SimulatedProcess) => void): void {
    this.inThread(this.hostThread, action)
  }

  private inThread(thread: Thread, action: (run: SimulatedProcess) => void): void {
    thread.run(() => {
      if (this.run?.isOver === false) action(this.run)
    })
  }
}
