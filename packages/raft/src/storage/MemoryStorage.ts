import type { Entry, HardState, Index, Term } from "../core/Types.ts"
import { MemoryLog } from "./memory/MemoryLog.ts"
import type { LogChange } from "./memory/MemoryLog.ts"
import { MemorySnapshots } from "./memory/MemorySnapshots.ts"
import { Poison } from "./Poison.ts"
import { checkAppend, checkCompact, checkRange } from "./Preconditions.ts"
import type { SnapshotStore } from "./snapshot/SnapshotStore.ts"
import type { Append, Durable, Storage } from "./Storage.ts"
import { misuse } from "./StorageError.ts"

/** What a crash leaves of that which was not synced. */
export interface Crash {
  /** How many of the unsynced changes of the log there are afterwards, in their order. */
  readonly logChanges: number
  /** Whether the unsynced hard state is there, if there is one. */
  readonly hardState: boolean
}

const initial: HardState = { term: 0, vote: null, commit: 0 }

/**
 * The storage of a simulated node: the contract of DiskStorage without bytes. A crash is a call, and gives the storage
 * that is there afterwards.
 */
export class MemoryStorage implements Storage {
  readonly snapshots: SnapshotStore
  private readonly store: MemorySnapshots
  private readonly poison = new Poison("(memory)")
  private readonly log: MemoryLog
  private readonly durableLog: MemoryLog
  private unsynced: Array<LogChange> = []
  private hard: HardState
  private durableHard: HardState
  private failure: Error | null = null

  constructor(log = new MemoryLog(), hard = initial, snapshots = new MemorySnapshots()) {
    this.log = log
    this.durableLog = log.copy()
    this.hard = hard
    this.durableHard = hard
    this.store = snapshots
    this.snapshots = this.poison.guardSnapshots(snapshots)
  }

  get hardState(): HardState {
    return this.hard
  }

  get firstIndex(): Index {
    return this.log.firstIndex
  }

  get lastIndex(): Index {
    return this.log.lastIndex
  }

  get lastTerm(): Term {
    return this.log.lastTerm
  }

  get logBytes(): number {
    return this.log.bytes
  }

  /** How many changes of the log a crash could lose now. */
  get unsyncedLogChanges(): number {
    return this.unsynced.length
  }

  term(index: Index): Term | null {
    const metadata = this.snapshots.latest?.metadata
    return this.log.term(index) ?? (metadata?.index === index ? metadata.term : null)
  }

  entries(from: Index, to: Index, bytesMax: number): ReadonlyArray<Entry> {
    checkRange(this, from, to)
    return this.poison.guard(() => {
      const entries: Array<Entry> = []
      let bytes = 0
      for (const entry of this.log.slice(from, to)) {
        bytes += entry.kind === "Command" ? entry.data.length : 0
        if (entries.length > 0 && bytes > bytesMax) break
        entries.push(entry)
      }
      return entries
    })
  }

  append(batch: Append): void {
    checkAppend(this, batch)
    this.poison.guard(() => {
      this.failIfTold()
      if (batch.truncateFrom !== null && batch.truncateFrom <= this.lastIndex) {
        this.change({ kind: "truncate", index: batch.truncateFrom, lastTerm: this.term(batch.truncateFrom - 1) ?? 0 })
      }
      for (const entry of batch.entries) this.change({ kind: "append", entry })
      if (batch.hardState !== null) this.hard = batch.hardState
    })
  }

  sync(): Durable {
    return this.poison.guard(() => {
      this.failIfTold()
      for (const change of this.unsynced) this.durableLog.apply(change)
      this.unsynced = []
      this.durableHard = this.hard
      return { index: this.lastIndex, term: this.lastTerm }
    })
  }

  compact(index: Index): void {
    checkCompact(this, index)
    this.poison.guard(() => this.change({ kind: "compact", index }))
  }

  restore(): void {
    const metadata = this.snapshots.latest?.metadata
    if (metadata === undefined) throw misuse("there is no snapshot to restore")
    this.poison.guard(() => {
      this.failIfTold()
      if (this.log.term(metadata.index) === metadata.term) return
      this.change({ kind: "reset", index: metadata.index, term: metadata.term })
      this.sync()
    })
  }

  /** Nothing to close: what was not synced counts as synced, as with files that a process leaves behind. */
  close(): void {
    if (!this.poison.isPoisoned) this.sync()
  }

  /** The next write or flush fails with `error`, and everything after it is refused. */
  fail(error: Error): void {
    this.failure = error
  }

  /** The storage that a node finds after a crash; this one is of no use any more. */
  crash({ hardState, logChanges }: Crash): MemoryStorage {
    const log = this.durableLog.copy()
    for (const change of this.unsynced.slice(0, logChanges)) log.apply(change)
    const hard = hardState ? this.hard : this.durableHard
    const snapshots = this.store.survivor()
    const metadata = snapshots.latest?.metadata ?? null
    if (metadata !== null) {
      const isBehind = log.lastIndex < metadata.index
      const contradicts = log.firstIndex <= metadata.index && log.term(metadata.index) !== metadata.term
      if (isBehind || contradicts) log.apply({ kind: "reset", index: metadata.index, term: metadata.term })
    }
    return new MemoryStorage(log, recoveredHardState(hard, log, metadata?.index ?? 0), snapshots)
  }

  private change(change: LogChange): void {
    this.log.apply(change)
    this.unsynced.push(change)
  }

  private failIfTold(): void {
    if (this.failure !== null) throw this.failure
  }
}

/** As DiskStorage does: a term that the log brought, and a commit index that the log has. */
const recoveredHardState = (hard: HardState, log: MemoryLog, covered: Index): HardState => {
  const isOlder = hard.term < log.lastTerm
  return {
    term: isOlder ? log.lastTerm : hard.term,
    vote: isOlder ? null : hard.vote,
    commit: Math.max(covered, Math.min(hard.commit, log.lastIndex))
  }
}
