/** The storage of a node in a directory of its own: log, hard state, snapshots. */
import type { Entry, HardState, Index, Snapshot, Term } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { recover } from "./Directory.ts"
import type { Opened } from "./Directory.ts"
import type { FileSystem } from "./file/FileSystem.ts"
import type { LogOptions } from "./log/SegmentedLog.ts"
import { Poison } from "./Poison.ts"
import type { SnapshotStore } from "./snapshot/SnapshotStore.ts"
import { checkAppend, checkCompact, checkRange } from "./Preconditions.ts"
import type { Append, Durable, RecoveryReport, Storage } from "./Storage.ts"
import { misuse } from "./StorageError.ts"

export class DiskStorage implements Storage {
  readonly report: RecoveryReport
  readonly snapshots: SnapshotStore
  private readonly opened: Opened
  private readonly poison: Poison
  private hard: HardState

  private constructor(opened: Opened, directory: string) {
    this.opened = opened
    const { commit, term, vote } = opened.hardState.state
    // A leader may have counted an entry as committed that its own disk never got.
    const committed = Math.max(opened.report.snapshot?.index ?? 0, Math.min(commit, opened.log.lastIndex))
    this.hard = { term, vote, commit: committed }
    this.report = opened.report
    this.poison = new Poison(directory)
    this.snapshots = this.poison.guardSnapshots(opened.snapshots)
  }

  /** Takes the directory for itself, makes it if there is none, and recovers what is in it. */
  static open(files: FileSystem, directory: string, options: LogOptions = Limits.storage): DiskStorage {
    return new DiskStorage(recover(files, directory, options), directory)
  }

  get hardState(): HardState {
    return this.hard
  }

  get firstIndex(): Index {
    return this.opened.log.firstIndex
  }

  get lastIndex(): Index {
    return this.opened.log.lastIndex
  }

  get lastTerm(): Term {
    return this.opened.log.lastTerm
  }

  get logBytes(): number {
    return this.opened.log.bytes
  }

  /** The log files there are, oldest first. */
  get segments(): ReadonlyArray<number> {
    return this.opened.log.segments
  }

  term(index: Index): Term | null {
    const metadata = this.opened.snapshots.latest?.metadata
    return this.opened.log.term(index) ?? (metadata?.index === index ? metadata.term : null)
  }

  entries(from: Index, to: Index, bytesMax: number): ReadonlyArray<Entry> {
    checkRange(this, from, to)
    return this.poison.guard(() => this.opened.log.read(from, to, bytesMax))
  }

  append(batch: Append): void {
    checkAppend(this, batch)
    this.poison.guard(() => {
      const { log } = this.opened
      if (batch.truncateFrom !== null && batch.truncateFrom !== batch.entries[0]?.index) {
        log.truncateFrom(batch.truncateFrom, this.term(batch.truncateFrom - 1) ?? 0)
      }
      for (const entry of batch.entries) log.append(entry)
      if (batch.hardState !== null) this.keep(batch.hardState)
    })
  }

  sync(): Durable {
    return this.poison.guard(() => {
      this.opened.log.sync()
      this.opened.hardState.sync()
      return { index: this.lastIndex, term: this.lastTerm }
    })
  }

  compact(index: Index): void {
    checkCompact(this, index)
    this.poison.guard(() => this.opened.log.compact(index))
  }

  /** Another thread made this snapshot durable in this directory: it is the newest. */
  adopt(snapshot: Snapshot): void {
    this.poison.guard(() => this.opened.snapshots.adopt(snapshot))
  }

  restore(): void {
    const metadata = this.opened.snapshots.latest?.metadata
    if (metadata === undefined) throw misuse("there is no snapshot to restore")
    this.poison.guard(() => {
      if (this.opened.log.term(metadata.index) === metadata.term) return
      this.opened.log.reset(metadata.index, metadata.term)
      this.opened.log.sync()
      this.opened.log.compact(metadata.index)
    })
  }

  close(): void {
    const { hardState, lock, log, snapshots } = this.opened
    try {
      if (!this.poison.isPoisoned) {
        if (this.hard !== hardState.state) hardState.write(this.hard)
        this.sync()
      }
    } finally {
      snapshots.close()
      log.close()
      hardState.close()
      lock.release()
    }
  }

  private keep(next: HardState): void {
    const before = this.hard
    this.hard = next
    if (next.term !== before.term || next.vote !== before.vote) this.opened.hardState.write(next)
  }
}
