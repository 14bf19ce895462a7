/** The files in the data directory by which a master whose log or state is wrong or lost comes back as another one. */
import { MasterId } from "@nxmesh/protocol/Ids"
import { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Schema } from "effect"
import { fileOf } from "./IdentityFiles.ts"

/** The state here is not what the others have: a check of the cluster said so (design-cluster.md 12). */
const DivergedMark = Schema.Struct({
  /** The entry of the log at which the states were compared. */
  index: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  own_digest: Schema.optionalKey(Schema.String),
  cluster_digest: Schema.optionalKey(Schema.String),
  at: Schema.optionalKey(Schema.String)
})
export type DivergedMark = typeof DivergedMark.Type

/** Written before anything is moved; gone when `node.json` holds the other identity. */
const Rejoining = Schema.Struct({
  /** Whose place is taken: who this master was. */
  replaces: MasterId,
  reason: Schema.Literals(["diverged", "lost", "asked"]),
  /** The directory, below the data directory, that takes the old log and state. */
  aside: Schema.String.check(Schema.isPattern(/^(?:diverged-\d+|replaced)(?:-\d+)?$/))
})
export type Rejoining = typeof Rejoining.Type

/** The members, as this master heard of them last: whom to ask when the log and the state are gone. */
const KnownMasters = Schema.Array(MasterDescription)

export const divergedFile = fileOf("diverged.json", DivergedMark)
export const rejoiningFile = fileOf("rejoining.json", Rejoining)
export const mastersFile = fileOf("masters.json", KnownMasters)
