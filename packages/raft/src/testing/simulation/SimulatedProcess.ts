/** What lives as long as one process of a node: the production Replica and Host in their threads, over storage and machine. */

import { Effect } from "effect"
import type { Effect as EffectOf } from "effect/Effect"
import type { Exit } from "effect/Exit"
import { Limits } from "../../Limits.ts"
import { Host } from "../../node/Host.ts"
import { Replica } from "../../node/Replica.ts"
import type { DiskStorage } from "../../storage/DiskStorage.ts"
import { readRecovered } from "../../storage/RecoveredState.ts"
import { Channel } from "./Channel.ts"
import type { Clock } from "./Clock.ts"
import type { NodeDisk } from "./NodeDisk.ts"
import { Observer } from "./Observer.ts"
import { nodeOptions } from "./Profile.ts"
import type { MemoryKeyValue } from "../machine/MemoryKeyValue.ts"
import type { SimulatedNodeOptions } from "./SimulatedNode.ts"
import { SimulatedStorage } from "./SimulatedStorage.ts"
import type { Thread } from "./Thread.ts"

export interface ProcessOptions {
  readonly node: SimulatedNodeOptions
  readonly disk: NodeDisk
  /** What was recovered from it. */
  readonly opened: DiskStorage
  readonly machine: MemoryKeyValue
  readonly raftThread: Thread
  readonly hostThread: Thread
  readonly clock: Pick<Clock, "nowMillis" | "wallMillis">
  /** The node says that it cannot go on. */
  readonly stopped: (failure: Error) => void
  /** The power was cut in the middle of an operation of the disk. */
  readonly cut: () => void
}

const channelMillisMax = 2

export class SimulatedProcess {
  readonly replica: Replica
  readonly host: Host
  readonly machine: MemoryKeyValue
  readonly observer: Observer
  /** Nothing that was on its way to it is heard any more. */
  isOver = false
  private readonly options: ProcessOptions
  private readonly storage: SimulatedStorage

  constructor(options: ProcessOptions) {
    const { node, disk, opened, machine, raftThread, hostThread } = options
    const { id, queue, random, counters, profile, oracle } = node
    this.options = options
    this.machine = machine
    const recovered = readRecovered(opened)
    if (machine.applied < recovered.base.index) restoreFromStorage(machine, opened)
    oracle.agrees(id, machine.applied, machine.digest)
    const observer = new Observer({
      ...node,
      durable: disk.durable,
      durableOf: (member) => node.diskOf(member)?.durable
    })
    this.observer = observer
    const inRaftThread = (action: () => void): void => raftThread.run(this.bound(action))
    const inHostThread = (action: () => void): void => hostThread.run(this.bound(action))
    const toHost = new Channel(queue, random.fork(), channelMillisMax, inHostThread)
    const toRaft = new Channel(queue, random.fork(), channelMillisMax, inRaftThread)
    this.storage = new SimulatedStorage({
      disk,
      storage: opened,
      queue,
      random: random.fork(),
      counters,
      syncMillisMax: profile.syncMillisMax,
      deliver: inRaftThread,
      listener: {
        durable: (sequence, logBytes) => this.replica.durable(sequence, logBytes),
        failed: (failure) => this.replica.failed(failure)
      },
      cut: this.bound(options.cut)
    })
    this.host = new Host(
      machine,
      {
        tell: (message) => toRaft.send(() => this.replica.hear(message)),
        run: (effect, done) => this.runEffect(effect, (exit) => inHostThread(() => done(exit))),
        status: () => {},
        stopped: options.stopped
      },
      { ...Limits.sessions, sessionsMax: profile.sessionsMax }
    )
    const start = { ...recovered, seed: random.bits(), applied: machine.applied }
    this.replica = new Replica(nodeOptions(profile, id, node.bootstrap), start, {
      storage: this.storage,
      send: (message) => {
        observer.sends(message)
        node.send(message)
      },
      host: (request) => toHost.send(() => this.host.hear(request)),
      nowMillis: () => options.clock.nowMillis(),
      wallMillis: () => options.clock.wallMillis(),
      later: (action) => queue.plan(0, () => inRaftThread(action)),
      stopped: options.stopped,
      observe: (before, input, after, ready) => observer.observe(before, input, after, ready)
    })
  }

  /** For whatever is on its way to this process. */
  bound(action: () => void): () => void {
    return () => {
      if (!this.isOver) action()
    }
  }

  end(): void {
    this.isOver = true
    this.storage.end()
  }

  /** Effects of the state machine take a while; that they wait only for what arrives in the host's thread keeps them in order. */
  private runEffect<A>(effect: EffectOf<A, unknown>, done: (exit: Exit<A, unknown>) => void): void {
    const { queue, random } = this.options.node
    const fiber = Effect.runFork(effect)
    fiber.addObserver((exit) => queue.plan(random.between(0, 3), () => done(exit)))
  }
}

/** The state machine is behind what the log begins with: the snapshot in storage takes its place before anything else. */
const restoreFromStorage = (machine: MemoryKeyValue, storage: DiskStorage): void => {
  const { latest } = storage.snapshots
  if (latest === null) throw new Error("there is no snapshot in place of what the log does not have")
  Effect.runSync(
    machine.restore({
      index: latest.metadata.index,
      bytes: latest.bytes,
      read: (offset, bytesMax) =>
        Effect.sync(() => storage.snapshots.read(latest.metadata.index, offset, bytesMax) ?? new Uint8Array()),
      close: Effect.void
    })
  )
}
