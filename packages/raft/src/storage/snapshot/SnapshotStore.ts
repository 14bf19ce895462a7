/** The state machine's snapshots as Raft sees them: named by the last entry they cover, and otherwise opaque bytes. */
import type { Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"

export interface SnapshotContent {
  readonly bytes: number
  /** CRC-32C of the content: the same on every node that has it. */
  readonly checksum: number
}

export interface SnapshotStore {
  readonly latest: Snapshot | null
  /** Content from `offset` on; empty at its end, `null` when `index` is no longer the newest snapshot's. */
  readonly read: (index: Index, offset: number, bytesMax: number) => Uint8Array | null
  /**
   * Begins a snapshot. `content` is what a sender says of it: then a transfer of the same content that was interrupted
   * goes on, and what arrives must equal it. `null`: it is made here, always from the start.
   */
  readonly receive: (metadata: SnapshotMetadata, content: SnapshotContent | null) => SnapshotWriter
}

export interface SnapshotWriter {
  /** Where the next chunk goes. After a crash it may be less than what was written, never more. */
  readonly received: number
  /** Chunks come in order: one that does not begin at `received` is refused. */
  readonly write: (offset: number, data: Uint8Array) => void
  /** Reads it back, makes it durable, and only then lets it count as the newest. */
  readonly finish: () => Snapshot
  /** Removes what was received. */
  readonly abandon: () => void
}
