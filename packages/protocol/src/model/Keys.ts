/** How the keys of a cluster stand: that of its secrets, those that sign tokens, those of its agents. Names of keys, never keys. */
import { Schema } from "effect"
import { MasterId } from "../Ids.ts"
import { Timestamp } from "./Text.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const KeyRotationView = Schema.Struct({
  from_key_id: Schema.String,
  to_key_id: Schema.String,
  begun_at: Timestamp,
  /** Secrets that are under the new key. */
  rewrapped: count,
  /** Texts of the state that are not yet, at most as many as are counted. */
  remaining: count,
  /** `null` while it is under way. */
  ended_at: Schema.NullOr(Timestamp)
}).annotate({ identifier: "KeyRotation" })
export type KeyRotationView = typeof KeyRotationView.Type

export const KeysStatus = Schema.Struct({
  encryption: Schema.Struct({
    /** Seals new secrets: the first 16 digits of the key's SHA-256. */
    key_id: Schema.String,
    /** The last rotation; `null`: there was none. */
    rotation: Schema.NullOr(KeyRotationView),
    /** Which keys each master has; `null` of one that does not answer. */
    masters: Schema.Array(
      Schema.Struct({ id: MasterId, name: Schema.String, key_ids: Schema.NullOr(Schema.Array(Schema.String)) })
    )
  }),
  /** The newest first. */
  signing: Schema.Array(
    Schema.Struct({
      key_id: Schema.String,
      /** next: known to others, and not in use yet. verifying: what it signed may still be good. */
      state: Schema.Literals(["next", "signing", "verifying"]),
      signs_from: Timestamp
    })
  ),
  agents: Schema.Struct({
    keys: count,
    /** Keys that are to be replaced now. */
    due: count,
    /** Keys that are older are replaced; `null`: by their age alone. */
    rotate_before: Schema.NullOr(Timestamp)
  })
}).annotate({ identifier: "KeysStatus" })
export type KeysStatus = typeof KeysStatus.Type
