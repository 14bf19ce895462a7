/** The history of one resource (CM-003): immutable, numbered from 1, addressed by content. */
import { Schema } from "effect"
import { ConfigVersionId, Sha256 } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { VersionedKind } from "./ResourceKind.ts"
import { line, Timestamp } from "./Text.ts"

export const ConfigVersion = Schema.Struct({
  id: ConfigVersionId,
  resource_type: VersionedKind,
  resource_id: Schema.String,
  version_number: Schema.Int,
  /** Snapshot of the resource; a certificate's key is left out of it. `null` says that the resource was deleted. */
  data: Schema.NullOr(Schema.Unknown),
  /** SHA-256 of the snapshot in canonical JSON (RFC 8785). */
  checksum: Sha256,
  /** The user, or `system`. */
  created_by: Schema.String,
  created_at: Timestamp,
  change_summary: Schema.String
}).annotate({ identifier: "ConfigVersion" })
export type ConfigVersion = typeof ConfigVersion.Type

export const ChangeSummary = Schema.String.check(Schema.isMaxLength(Limits.changeSummaryCharactersMax))
/** Why a version comes to be, in one line, as a client says it. Without it, the master words it itself. */
export const ChangeSummaryInput = line(Limits.changeSummaryCharactersMax)

/** One difference between two snapshots, by JSON Pointer (RFC 6901). `before` or `after` is absent when there was none. */
export const Difference = Schema.Struct({
  path: Schema.String,
  operation: Schema.Literals(["add", "remove", "replace"]),
  before: Schema.optionalKey(Schema.Unknown),
  after: Schema.optionalKey(Schema.Unknown)
}).annotate({ identifier: "Difference" })
export type Difference = typeof Difference.Type

/** One file of a rendered tree as unified diff text. */
export const FileDifference = Schema.Struct({
  path: Schema.String,
  operation: Schema.Literals(["add", "remove", "replace"]),
  diff: Schema.String
}).annotate({ identifier: "FileDifference" })
export type FileDifference = typeof FileDifference.Type

export const VersionDiff = Schema.Struct({
  from: Schema.Int,
  to: Schema.Int,
  /** Structured: of the snapshots. */
  changes: Schema.Array(Difference),
  /** Of the nginx text that the two versions render to. */
  rendered: Schema.Array(FileDifference)
}).annotate({ identifier: "VersionDiff" })
export type VersionDiff = typeof VersionDiff.Type

export const RollbackRequest = Schema.Struct({
  version: Schema.Int.check(Schema.isGreaterThan(0)),
  change_summary: Schema.optionalKey(ChangeSummaryInput)
}).annotate({ identifier: "RollbackRequest" })
