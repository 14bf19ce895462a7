/**
 * A disk that keeps what was synced and, at a crash, an arbitrary part of what was not: the log is cut anywhere in the
 * unsynced writes (recovery cuts a torn tail), and the hard state, which lives in a file of its own, independently of it.
 *
 * One sync is under way at a time and covers what was written before it began, as in a group commit.
 */

import { noConfiguration } from "../../core/Configuration.ts"
import { initialHardState } from "../../core/State.ts"
import type { Configuration, Entry, HardState, Index, Snapshot, Term } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"

/** A snapshot with what the state machine wrote into it. */
export interface SnapshotFile {
  readonly snapshot: Snapshot
  readonly bytes: Uint8Array
}

/** One write: a truncation and entries for the log, a hard state, or a snapshot received in place of the log. */
export interface DiskWrite {
  readonly hardState: HardState | null
  readonly truncateFrom: Index | null
  readonly entries: ReadonlyArray<Entry>
  readonly install: SnapshotFile | null
}

export interface DiskContent {
  readonly hardState: HardState
  readonly snapshot: SnapshotFile | null
  /** Where the log starts: the last entry that was compacted. */
  readonly base: { readonly index: Index; readonly term: Term }
  readonly entries: ReadonlyArray<Entry>
}

interface Pending {
  readonly write: DiskWrite
  readonly done: () => void
}

export interface DiskSpeed {
  readonly syncMillisMin: number
  readonly syncMillisMax: number
}

export class Disk {
  private hardState: HardState = initialHardState
  private snapshot: SnapshotFile | null = null
  private entries: Array<Entry> = []
  private base: { readonly index: Index; readonly term: Term } = { index: 0, term: 0 }
  private configuration: Configuration | null
  private pending: Array<Pending> = []
  private isSyncing = false
  private generation = 0
  private readonly random: SeededRandom
  private readonly queue: EventQueue
  private readonly counters: Counters
  speed: DiskSpeed = { syncMillisMin: 1, syncMillisMax: 2 }
  stalledUntilMillis = 0

  constructor(random: SeededRandom, queue: EventQueue, counters: Counters, bootstrap: Configuration | null) {
    this.configuration = bootstrap
    this.random = random
    this.queue = queue
    this.counters = counters
  }

  /** `done` runs once the write and all before it are durable. */
  write(write: DiskWrite, done: () => void): void {
    this.pending.push({ write, done })
    if (!this.isSyncing) this.startSync()
  }

  /** What a restart would find if everything unsynced were lost. */
  durable(): DiskContent {
    const { hardState, snapshot, base, entries } = this
    return { hardState, snapshot, base, entries: [...entries] }
  }

  latestConfiguration(): Configuration {
    const last = this.entries.findLast((entry) => entry.kind === "Configuration")
    return last?.kind === "Configuration" ? last.configuration : (this.configuration ?? noConfiguration)
  }

  durableHardState(): HardState {
    return this.hardState
  }

  /** Whether an entry is here, or in what the snapshot stands for. */
  holds(index: Index, term: Term): boolean {
    return index <= this.base.index || this.entries[index - this.base.index - 1]?.term === term
  }

  private lastDurable(): Index {
    return this.base.index + this.entries.length
  }

  /** The process dies: of what was not synced, some reached the disk. */
  crash(): void {
    const { random, counters } = this
    const unsynced = this.pending.map(({ write }) => write)
    this.pending = []
    this.isSyncing = false
    this.generation++
    if (unsynced.length === 0) return
    const kept = random.between(0, unsynced.length)
    counters.add(kept === unsynced.length ? "disk: unsynced kept" : "disk: unsynced lost")
    unsynced.slice(0, kept).forEach((write) => this.commit({ ...write, hardState: null }))
    const torn = unsynced[kept]
    if (torn !== undefined && torn.install === null && torn.entries.length > 0 && random.chance(50)) {
      counters.add("disk: torn")
      this.commit({ ...torn, hardState: null, entries: torn.entries.slice(0, random.between(0, torn.entries.length)) })
    }
    const hardStates = unsynced.flatMap(({ hardState }) => (hardState === null ? [] : [hardState]))
    const reached = random.between(0, hardStates.length)
    this.hardState = hardStates[reached - 1] ?? this.hardState
  }

  /** Keeps a snapshot of one's own, durable at once: the state machine syncs it before it says so. */
  keepSnapshot(snapshot: SnapshotFile): void {
    this.snapshot = snapshot
  }

  /** Gives up entries that the snapshot stands for. */
  compact(index: Index): void {
    const last = this.entries[index - this.base.index - 1]
    if (last === undefined) return
    const removed = this.entries.splice(0, index - this.base.index)
    for (const entry of removed) if (entry.kind === "Configuration") this.configuration = entry.configuration
    this.base = { index, term: last.term }
  }

  private startSync(): void {
    this.isSyncing = true
    const covered = this.pending.length
    const generation = this.generation
    const stall = Math.max(0, this.stalledUntilMillis - this.queue.nowMillis)
    this.queue.plan(stall + this.random.between(this.speed.syncMillisMin, this.speed.syncMillisMax), () => {
      if (generation !== this.generation) return
      const synced = this.pending.splice(0, covered)
      this.isSyncing = false
      for (const { write } of synced) this.commit(write)
      if (this.pending.length > 0) this.startSync()
      for (const { done } of synced) done()
    })
  }

  private commit({ hardState, truncateFrom, entries, install }: DiskWrite): void {
    if (install !== null) this.reset(install)
    if (truncateFrom !== null)
      this.entries.length = Math.max(0, Math.min(this.entries.length, truncateFrom - this.base.index - 1))
    for (const entry of entries) {
      const expected = this.lastDurable() + 1
      if (entry.index !== expected) throw new Error(`a gap on the disk: entry ${entry.index} where ${expected} is next`)
      this.entries.push(entry)
    }
    if (hardState !== null) this.hardState = hardState
  }

  /** A received snapshot takes the place of the whole log. */
  private reset(file: SnapshotFile): void {
    const { index, term, configuration } = file.snapshot.metadata
    this.snapshot = file
    this.base = { index, term }
    this.entries = []
    this.configuration = configuration
  }
}
