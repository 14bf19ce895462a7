/**
 * Storage as a node uses it: every call returns at once, and `done` is called later, for snapshots in the order of the
 * calls. Appends are answered through `StorageListener`. After `failed` nothing is answered any more, and the node stops.
 */
import type { Result } from "effect"
import type { Append } from "../core/Ready.ts"
import type { Index, Snapshot, SnapshotMetadata } from "../core/Types.ts"
import type { SnapshotContent } from "../storage/snapshot/SnapshotStore.ts"
import type { StorageError } from "../storage/StorageError.ts"

export type Done<A> = (outcome: Result.Result<A, StorageError>) => void

export interface NodeStorage {
  readonly append: (append: Append) => void
  readonly compact: (index: Index) => void
  /** As SnapshotStore.receive; answers where the first chunk goes. One at a time: it ends one that is under way. */
  readonly receiveSnapshot: (metadata: SnapshotMetadata, content: SnapshotContent | null, done: Done<number>) => void
  /** Answers where the next chunk goes. */
  readonly writeSnapshot: (offset: number, data: Uint8Array, done: Done<number>) => void
  readonly finishSnapshot: (done: Done<Snapshot>) => void
  readonly abandonSnapshot: () => void
  /** Lets the newest snapshot whose end was answered take the place of the log, after every append before it. */
  readonly restore: (done: Done<void>) => void
  /** `null` when `index` is no longer the newest snapshot's. */
  readonly readSnapshot: (index: Index, offset: number, bytesMax: number, done: Done<Uint8Array | null>) => void
}

export interface StorageListener {
  /** This append and all before it are durable; the log takes so many bytes on the disk. */
  readonly durable: (sequence: number, logBytes: number) => void
  /** Nothing will be durable any more. Called once. */
  readonly failed: (failure: StorageError) => void
}
