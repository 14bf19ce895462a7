/** What passes between a node and its storage thread. Answers come in the order of the questions. */
import type { HardState, Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"
import type { RecoveredState } from "../RecoveredState.ts"
import type { LogOptions } from "../log/SegmentedLog.ts"
import type { SnapshotContent } from "../snapshot/SnapshotStore.ts"
import type { RecoveryReport } from "../Storage.ts"
import { StorageError } from "../StorageError.ts"
import type { StorageReason } from "../StorageError.ts"

/** What the thread is started with. */
export interface ThreadSettings {
  readonly directory: string
  readonly log: LogOptions
}

export interface PackedAppend {
  readonly sequence: number
  readonly hardState: HardState | null
  readonly truncateFrom: Index | null
  readonly entries: Uint8Array
}

export type ThreadRequest =
  | { readonly kind: "append"; readonly appends: ReadonlyArray<PackedAppend> }
  | { readonly kind: "call"; readonly id: number; readonly call: ThreadCall }

/** Everything but appends: answered one by one. */
export type ThreadCall =
  | { readonly kind: "compact"; readonly index: Index }
  | { readonly kind: "restore" }
  | { readonly kind: "receive"; readonly metadata: SnapshotMetadata; readonly content: SnapshotContent | null }
  | { readonly kind: "write"; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "finish" }
  | { readonly kind: "abandon" }
  | { readonly kind: "read"; readonly index: Index; readonly offset: number; readonly bytesMax: number }
  | { readonly kind: "close" }

export type ThreadAnswer = number | null | Uint8Array | Snapshot

export type ThreadResponse =
  | OpenedMessage
  /** Every append up to and with this one is durable. */
  | { readonly kind: "durable"; readonly sequence: number; readonly logBytes: number }
  | { readonly kind: "answer"; readonly id: number; readonly value: ThreadAnswer }
  | { readonly kind: "refused"; readonly id: number; readonly failure: FailureMessage }
  /** Nothing will be durable any more. */
  | { readonly kind: "failed"; readonly failure: FailureMessage }

export interface OpenedMessage {
  readonly kind: "opened"
  readonly recovered: Omit<RecoveredState, "entries">
  /** The entries, packed. */
  readonly entries: ReadonlyArray<Uint8Array>
  readonly report: RecoveryReport
}

export interface FailureMessage {
  readonly reason: StorageReason
  readonly file: string
  readonly offset: number | null
  readonly detail: string
}

export const encodeFailure = (cause: unknown): FailureMessage => {
  if (cause instanceof StorageError) {
    const { detail, file, offset, reason } = cause
    return { reason, file, offset, detail }
  }
  const detail = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  return { reason: "Misuse", file: "(storage)", offset: null, detail }
}

export const decodeFailure = (failure: FailureMessage): StorageError => new StorageError(failure)
