/**
 * The storage of one process on simulated time, arranged as StorageThread.ts arranges it: a thread for the log, in which
 * what arrives during a flush shares the next one (LogWorker.ts), and one for snapshots (SnapshotWorker.ts).
 */

import { Result } from "effect"
import type { Append } from "../../core/Ready.ts"
import type { Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"
import type { Done, NodeStorage, StorageListener } from "../../node/NodeStorage.ts"
import type { DiskStorage } from "../../storage/DiskStorage.ts"
import { PowerCut } from "../../storage/file/SimulatedDisk.ts"
import { isHarmless, Poison } from "../../storage/Poison.ts"
import { SnapshotFiles } from "../../storage/snapshot/SnapshotFiles.ts"
import type { SnapshotContent, SnapshotStore, SnapshotWriter } from "../../storage/snapshot/SnapshotStore.ts"
import { misuse, StorageError } from "../../storage/StorageError.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import { storageDirectory } from "./NodeDisk.ts"
import type { NodeDisk } from "./NodeDisk.ts"

export interface SimulatedStorageOptions {
  readonly disk: NodeDisk
  readonly storage: DiskStorage
  readonly queue: EventQueue
  readonly random: SeededRandom
  readonly counters: Counters
  readonly syncMillisMax: number
  /** Answers reach the node's thread through this; dropped once the process is gone. */
  readonly deliver: (action: () => void) => void
  readonly listener: StorageListener
  /** The power was cut in the middle of an operation. */
  readonly cut: () => void
}

export class SimulatedStorage implements NodeStorage {
  private readonly options: SimulatedStorageOptions
  /** What the log's thread has not looked at yet. */
  private waiting: Array<() => void> = []
  private isBusy = false
  private unsynced = 0
  private readonly snapshots: SnapshotStore
  private writer: SnapshotWriter | null = null
  /** Snapshot work is done one after the other. */
  private snapshotsUntilMillis = 0
  private hasEnded = false

  constructor(options: SimulatedStorageOptions) {
    this.options = options
    const { disk, storage } = options
    const files = new SnapshotFiles(disk.files, storageDirectory, storage.snapshots.latest)
    this.snapshots = new Poison(storageDirectory).guardSnapshots(files)
  }

  append(append: Append): void {
    this.log(() => {
      const { hardState, truncateFrom, entries, sequence } = append
      // First: when the power goes in the middle, a part of it may be on the disk.
      this.options.disk.appended(append)
      this.options.storage.append({ hardState, truncateFrom, entries })
      this.unsynced = sequence
    })
  }

  compact(index: Index): void {
    this.log(() => this.options.storage.compact(index))
  }

  receiveSnapshot(metadata: SnapshotMetadata, content: SnapshotContent | null, done: Done<number>): void {
    this.snapshot(() => {
      this.writer = this.snapshots.receive(metadata, content)
      return this.writer.received
    }, done)
  }

  writeSnapshot(offset: number, data: Uint8Array, done: Done<number>): void {
    this.snapshot(() => {
      this.opened().write(offset, data)
      return this.opened().received
    }, done)
  }

  finishSnapshot(done: Done<Snapshot>): void {
    this.snapshot(
      () => {
        const snapshot = this.opened().finish()
        this.writer = null
        return snapshot
      },
      (finished) => {
        if (Result.isSuccess(finished)) this.log(() => this.options.storage.adopt(finished.success))
        done(finished)
      }
    )
  }

  abandonSnapshot(): void {
    this.snapshot(
      () => {
        this.writer?.abandon()
        this.writer = null
      },
      () => {}
    )
  }

  restore(done: Done<void>): void {
    this.log(() => {
      const { storage, disk } = this.options
      this.answer(() => {
        storage.restore()
        const metadata = storage.snapshots.latest?.metadata
        if (metadata !== undefined) disk.restored(metadata)
      }, done)
    })
  }

  readSnapshot(index: Index, offset: number, bytesMax: number, done: Done<Uint8Array | null>): void {
    this.snapshot(() => this.snapshots.read(index, offset, bytesMax)?.slice() ?? null, done)
  }

  /** The process is gone: nothing more happens. */
  end(): void {
    this.hasEnded = true
    this.waiting = []
  }

  // ---- the log's thread ---------------------------------------------------------------------------------------------

  private log(operation: () => void): void {
    if (this.hasEnded) return
    this.waiting.push(operation)
    if (this.isBusy) return
    this.isBusy = true
    this.options.queue.plan(0, () => this.turn())
  }

  /** Handles all that waits, flushes if there is something to flush, and looks again. */
  private turn(): void {
    const { queue } = this.options
    for (const operation of this.waiting.splice(0)) this.attempt(operation)
    if (this.hasEnded || this.unsynced === 0) {
      this.isBusy = false
      return
    }
    queue.plan(this.flushMillis(), () => {
      this.attempt(() => this.sync())
      this.turn()
    })
  }

  private flushMillis(): number {
    const { random, syncMillisMax, queue, disk } = this.options
    return Math.max(0, disk.stalledUntilMillis - queue.nowMillis) + random.between(1, Math.max(1, syncMillisMax))
  }

  private sync(): void {
    const { storage, disk, listener, deliver } = this.options
    const sequence = this.unsynced
    if (sequence === 0) return
    storage.sync()
    this.unsynced = 0
    disk.synced()
    const { logBytes } = storage
    deliver(() => listener.durable(sequence, logBytes))
  }

  // ---- the snapshots' thread ----------------------------------------------------------------------------------------

  private snapshot<A>(operation: () => A, done: Done<A>): void {
    if (this.hasEnded) return
    const { queue, random } = this.options
    this.snapshotsUntilMillis = Math.max(this.snapshotsUntilMillis, queue.nowMillis) + random.between(0, 3)
    queue.plan(this.snapshotsUntilMillis - queue.nowMillis, () => {
      this.attempt(() => this.answer(operation, done))
    })
  }

  private answer<A>(operation: () => A, done: Done<A>): void {
    const { deliver } = this.options
    try {
      const value = operation()
      deliver(() => done(Result.succeed(value)))
    } catch (cause) {
      if (!isHarmless(cause) || !(cause instanceof StorageError)) throw cause
      this.options.counters.add(`storage: ${cause.reason}`)
      deliver(() => done(Result.fail(cause)))
    }
  }

  private opened(): SnapshotWriter {
    if (this.writer === null) throw misuse("no snapshot is being received")
    return this.writer
  }

  // ---- failures -----------------------------------------------------------------------------------------------------

  /** The first failure is told, and nothing is done any more after it. */
  private attempt(operation: () => void): void {
    if (this.hasEnded) return
    try {
      operation()
    } catch (cause) {
      const { counters, cut, deliver, listener } = this.options
      if (isPowerCut(cause)) return cut()
      if (!(cause instanceof StorageError)) throw cause
      this.end()
      counters.add(`storage: ${cause.reason}`)
      deliver(() => listener.failed(cause))
    }
  }
}

/** The storage takes it for one more error of the operating system. */
const isPowerCut = (cause: unknown): boolean =>
  cause instanceof PowerCut || (cause instanceof StorageError && cause.cause instanceof PowerCut)
