/**
 * What a node keeps across crashes. Synchronous, for a thread of its own (LogThread.ts), and poisoned by its first
 * failure: whoever could not write something once must not acknowledge anything after it.
 *
 * The contract, which `test/storage/Contract.ts` holds both implementations to:
 * - nothing is durable before `sync` returns; after, everything appended before is;
 * - after a crash the log is a prefix of what was appended, no shorter than what was synced, and the hard state is the
 *   last one synced or a later one;
 * - an entry whose index the log has already takes its place, and drops what came after it.
 *
 * Every method throws StorageError.
 */
import type { Entry, HardState, Index, SnapshotMetadata, Term } from "../core/Types.ts"
import type { SnapshotStore } from "./snapshot/SnapshotStore.ts"

export interface Storage {
  /** What there was when it was opened, or what `append` made of it since. */
  readonly hardState: HardState
  /** The first index in the log, or `lastIndex + 1` when it holds none. */
  readonly firstIndex: Index
  readonly lastIndex: Index
  /** Term of the last entry; of the snapshot, when nothing follows it. */
  readonly lastTerm: Term
  /** What the log takes on the disk: what to look at when deciding to compact. */
  readonly logBytes: number
  readonly snapshots: SnapshotStore

  /** Term of an entry in the log, or of the last one that the snapshot covers; `null` for others. */
  readonly term: (index: Index) => Term | null
  /** Entries `from`..`to`, both included and both in the log, up to `bytesMax` of data, though at least one. */
  readonly entries: (from: Index, to: Index, bytesMax: number) => ReadonlyArray<Entry>
  readonly append: (batch: Append) => void
  /** Returns the last entry of the log, which is durable now with everything before it and the hard state. */
  readonly sync: () => Durable
  /** Forgets entries up to and with `index`, at most the snapshot's. Some may stay until a later call. */
  readonly compact: (index: Index) => void
  /**
   * Lets the newest snapshot take the place of the log. Entries after it stay if the log has its last entry, index and
   * term; else all are dropped. Durable when it returns.
   */
  readonly restore: () => void
  readonly close: () => void
}

export interface Append {
  /** `null`: unchanged. A new commit index alone is kept in memory, and written when term or vote change: it is a hint. */
  readonly hardState: HardState | null
  /** Entries from here on are dropped first; `null`: none but those that `entries` replace. */
  readonly truncateFrom: Index | null
  /** In a row: the first follows an entry of the log, each other the one before it. */
  readonly entries: ReadonlyArray<Entry>
}

/** Index and term together say which entry: after a truncation the same index is another entry (the ABA problem). */
export interface Durable {
  readonly index: Index
  readonly term: Term
}

/** What recovery did, for the log of the node. */
export interface RecoveryReport {
  /** Where writes that no flush had confirmed were cut; `null`: nothing was. */
  readonly torn: { readonly file: string; readonly offset: number } | null
  readonly snapshot: SnapshotMetadata | null
  readonly firstIndex: Index
  readonly lastIndex: Index
}
