/** What a backup of a cluster says of itself, before the state that it holds. */
import { Schema } from "effect"
import { ClusterId } from "../Ids.ts"
import { Timestamp } from "./Text.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const BackupHeader = Schema.Struct({
  cluster_id: ClusterId,
  cluster_version: count,
  epoch: count,
  /** The last entry of the log that the state holds, and its term. */
  index: count,
  term: count,
  /** By the clock of the master that took it. */
  created_at: Timestamp,
  /** Of the build that took it, as in `0.1.0`. */
  nxmesh_version: Schema.String,
  /** Names the key file that the secrets are sealed with, which is no part of the backup. */
  key_id: Schema.String,
  /** Of the state, before it was compressed. */
  state_bytes: count
}).annotate({ identifier: "BackupHeader" })
export type BackupHeader = typeof BackupHeader.Type
