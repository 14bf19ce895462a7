/** The masters of a cluster: who they are, where they are reached, and the tokens by which others join. */
import { Schema } from "effect"
import { JoinTokenId, MasterId } from "../Ids.ts"
import { stamps, withDefault } from "./Resource.ts"
import { Name, Timestamp } from "./Text.ts"

/** `host:port`, as others reach it. */
export const MasterAddress = Schema.String.check(Schema.isPattern(/^[^\s]+:\d{1,5}$/), Schema.isMaxLength(300))

/** Which versions of apply's behaviour a build knows (design-cluster.md 6). */
export const ClusterVersionRange = Schema.Struct({ lowest: Schema.Int, highest: Schema.Int })
export type ClusterVersionRange = typeof ClusterVersionRange.Type

const described = {
  /** For people; unique in the cluster. */
  name: Name,
  /** Raft's port. */
  peer_address: MasterAddress,
  /** Where agents connect, and other masters call. */
  agent_address: MasterAddress,
  http_address: MasterAddress,
  /** Of the build, as in `0.1.0`. */
  version: Schema.String.check(Schema.isMaxLength(64)),
  cluster_versions: ClusterVersionRange
}

/** What a master says of itself: settings, which change by command. */
export const MasterDescription = Schema.Struct({ id: MasterId, ...described })
export type MasterDescription = typeof MasterDescription.Type

/** As stored and replicated: who should be in the cluster. The leader makes Raft's configuration follow it. */
export const StoredMaster = Schema.Struct({
  ...MasterDescription.fields,
  /** False for one that was demoted: it listens and serves, and does not count for majorities. */
  voter: Schema.Boolean,
  ...stamps
})
export type StoredMaster = typeof StoredMaster.Type

/** A one-time token by which a master joins. Only its hash is stored; the text is answered once. */
export const JoinToken = Schema.Struct({
  id: JoinTokenId,
  created_at: Timestamp,
  expires_at: Timestamp,
  used_at: Schema.NullOr(Timestamp)
}).annotate({ identifier: "JoinToken" })
export type JoinToken = typeof JoinToken.Type

/** The answer that holds the token's text, and the settings to join with. */
export const IssuedJoinToken = Schema.Struct({
  ...JoinToken.fields,
  /** Holds the fingerprint of the cluster's authority, which the new master pins, and the secret. */
  token: Schema.String,
  /** Ready to paste on the new master's machine. */
  command: Schema.String
}).annotate({ identifier: "IssuedJoinToken" })
export type IssuedJoinToken = typeof IssuedJoinToken.Type

export const JoinTokenCreate = Schema.Struct({
  ttl_seconds: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 60, maximum: 86_400 })), 3_600)
}).annotate({ identifier: "JoinTokenCreate" })
