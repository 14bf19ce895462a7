/** What a master says of itself when another one asks. */
import { Schema } from "effect"
import { MasterId } from "../Ids.ts"
import { MasterAddress } from "../model/Master.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const PeerStatus = Schema.Struct({
  id: MasterId,
  /** As this master sees itself. */
  role: Schema.Literals(["leader", "candidate", "follower", "learner"]),
  term: count,
  leader_id: Schema.NullOr(MasterId),
  commit_index: count,
  /** Index of the last entry of its log. */
  last_index: count,
  /** What its state holds. */
  applied_index: count,
  /** Of the build that runs. */
  version: Schema.String,
  /** Why it is not healthy, in one sentence; `null` when it is. */
  problem: Schema.NullOr(Schema.String),
  disk: Schema.Struct({
    /** All of the master's data directory. */
    data_bytes: count,
    /** The state alone. */
    state_bytes: count,
    /** Of the file system that holds the data directory. */
    free_bytes: count,
    total_bytes: count
  }),
  /** What its tasks want an operator to know of the cluster. */
  warnings: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isMaxLength(1_024))).check(Schema.isMaxLength(64))
  ),
  /** Names of the key-encryption keys that it has. */
  key_ids: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))).check(Schema.isMaxLength(64))
  ),
  /** Raft's address of every member that it knows, by id: for one that does not know who leads. */
  peer_addresses: Schema.optionalKey(Schema.Record(MasterId, MasterAddress))
})
export type PeerStatus = typeof PeerStatus.Type
