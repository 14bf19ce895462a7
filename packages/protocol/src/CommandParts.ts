/** What several commands have in common. */
import { Schema, Struct } from "effect"
import { ConfigVersionId, KeyId, MasterId, Sha256 } from "./Ids.ts"
import { ChangeSummary } from "./model/ConfigVersion.ts"
import { Revision } from "./model/Resource.ts"
import { SealedSecret } from "./model/SealedSecret.ts"

/** Apply stamps a resource; a command carries it without. */
const stampNames = ["created_at", "updated_at", "revision"] as const
export const unstamped = <Fields extends Schema.Struct.Fields & Record<(typeof stampNames)[number], Schema.Top>>(
  schema: Schema.Struct<Fields>
) => schema.mapFields(Struct.omit(stampNames))

/** `create` is refused when the id exists, `update` when it does not, or when it is no longer at `if_match`. */
export const save = {
  mode: Schema.Literals(["create", "update"]),
  if_match: Schema.NullOr(Revision)
}
/** A save that makes a version (CM-003). */
export const saveVersion = {
  ...save,
  version_id: ConfigVersionId,
  change_summary: ChangeSummary,
  /** The version number whose snapshot this is, when it is a rollback. */
  rollback_of: Schema.NullOr(Schema.Int)
}
export const remove = { if_match: Schema.NullOr(Revision) }
export const removeVersion = { ...remove, version_id: ConfigVersionId, change_summary: ChangeSummary }

/** The key by which an agent signs, sealed. */
export const SessionKey = Schema.Struct({ key_id: KeyId, key: SealedSecret })

/** A row of the state in which data keys are wrapped anew: its table, its primary key and the column that holds the sealed secret. */
export const RewrappedRow = Schema.Struct({
  table: Schema.String,
  key: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Int])),
  column: Schema.String,
  wrapped: Schema.Array(Schema.Struct({ before: Schema.String, after: Schema.String }))
})
export type RewrappedRow = typeof RewrappedRow.Type

/** Names a key-encryption key, as in `SealedSecret.key_id`. */
export const SealingKeyId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))

/** Why a master may become a member. */
export const JoinProof = Schema.Union([
  Schema.TaggedStruct("Token", { token_hash: Sha256 }),
  /** It showed that it knows the cluster secret, to the master that proposes this. */
  Schema.TaggedStruct("ClusterSecret", {}),
  /** It showed the certificate of this member, whose place it takes: its state was wrong or lost. */
  Schema.TaggedStruct("Certificate", { replaces: MasterId })
])
