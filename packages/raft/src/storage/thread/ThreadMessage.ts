/**
 * What passes between a node and its two storage threads: one for the log, one for snapshots, so that gigabytes of a
 * snapshot never stand before a flush of the log.
 */
import type { HardState, Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"
import type { RecoveredState } from "../RecoveredState.ts"
import type { LogOptions } from "../log/SegmentedLog.ts"
import type { SnapshotContent } from "../snapshot/SnapshotStore.ts"
import type { RecoveryReport } from "../Storage.ts"
import { StorageError } from "../StorageError.ts"
import type { StorageReason } from "../StorageError.ts"

/** What both threads are started with. */
export interface ThreadSettings {
  readonly directory: string
  readonly log: LogOptions
  /** URL of a module that exports `fileSystem`, for tests with a disk that fails; `null`: the operating system's. */
  readonly fileSystemModule: string | null
}

/** The thread of the log verified the newest snapshot already. */
export interface SnapshotThreadSettings extends ThreadSettings {
  readonly verified: Snapshot | null
}

export interface PackedAppend {
  readonly sequence: number
  readonly hardState: HardState | null
  readonly truncateFrom: Index | null
  readonly entries: Uint8Array
}

/** Done in order. */
export type LogRequest =
  | { readonly kind: "append"; readonly appends: ReadonlyArray<PackedAppend> }
  | { readonly kind: "compact"; readonly index: Index }
  /** The other thread made this snapshot durable. */
  | { readonly kind: "adopt"; readonly snapshot: Snapshot }
  | { readonly kind: "restore" }
  | { readonly kind: "close" }

export type LogResponse =
  | OpenedMessage
  /** Every append up to and with this one is durable. */
  | { readonly kind: "durable"; readonly sequence: number; readonly logBytes: number }
  | { readonly kind: "restored"; readonly failure: FailureMessage | null }
  | { readonly kind: "closed" }
  /** Nothing will be durable any more. */
  | { readonly kind: "failed"; readonly failure: FailureMessage }

export interface OpenedMessage {
  readonly kind: "opened"
  readonly recovered: Omit<RecoveredState, "entries">
  /** The entries, packed. */
  readonly entries: ReadonlyArray<Uint8Array>
  readonly report: RecoveryReport
  readonly logBytes: number
}

/** Done and answered in order. */
export type SnapshotRequest =
  | { readonly kind: "receive"; readonly metadata: SnapshotMetadata; readonly content: SnapshotContent | null }
  | { readonly kind: "write"; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "finish" }
  | { readonly kind: "abandon" }
  | { readonly kind: "read"; readonly index: Index; readonly offset: number; readonly bytesMax: number }
  | { readonly kind: "close" }

export type SnapshotAnswer = number | null | Uint8Array | Snapshot

export type SnapshotResponse =
  | { readonly kind: "answer"; readonly value: SnapshotAnswer }
  /** Nothing was done, nothing is lost. */
  | { readonly kind: "refused"; readonly failure: FailureMessage }
  | { readonly kind: "failed"; readonly failure: FailureMessage }

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
