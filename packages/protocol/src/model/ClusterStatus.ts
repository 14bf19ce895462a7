/** A cluster as it is shown to people: what is replicated about its masters, and how each was last found. */
import { Schema } from "effect"
import { ClusterId, MasterId } from "../Ids.ts"
import { ClusterVersionRange, MasterAddress } from "./Master.ts"
import { line, Timestamp } from "./Text.ts"
import { withDefault } from "./Resource.ts"
import { Limits } from "../Limits.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * leader: decides the order of changes. voter: counts for majorities. learner: was told not to vote; it listens and
 * serves. joining: is to vote, and still learns what the others know. leaving: was removed, and Raft still counts it.
 */
export const MasterRole = Schema.Literals(["leader", "voter", "learner", "joining", "leaving"])
export type MasterRole = typeof MasterRole.Type

export const Master = Schema.Struct({
  id: MasterId,
  name: Schema.String,
  role: MasterRole,
  /** Whether it should vote, as was set. */
  voter: Schema.Boolean,
  /** False when it does not answer, or says that something is wrong with it. */
  healthy: Schema.Boolean,
  /** Why it is not healthy, in one sentence; `null` when it is. */
  problem: Schema.NullOr(Schema.String),
  /** Raft's port, as the other masters reach it; `null` of one that is leaving, as all of the next. */
  peer_address: Schema.NullOr(MasterAddress),
  /** Where agents connect. */
  agent_address: Schema.NullOr(MasterAddress),
  http_address: Schema.NullOr(MasterAddress),
  cluster_versions: Schema.NullOr(ClusterVersionRange),
  joined_at: Schema.NullOr(Timestamp),
  /** Of the build, as in `0.1.0`; when it does not answer, as it last described itself. */
  version: Schema.NullOr(Schema.String),
  /** Index of the last entry of its log; `null` when nobody knows. */
  last_index: Schema.NullOr(count),
  applied_index: Schema.NullOr(count),
  /** Committed entries that its state does not hold yet; `null` when nobody knows. */
  lag_entries: Schema.NullOr(count),
  disk: Schema.NullOr(
    Schema.Struct({
      /** What its data directory takes. */
      data_bytes: count,
      /** Of the file system that holds it. */
      free_bytes: count
    })
  )
}).annotate({ identifier: "Master" })
export type Master = typeof Master.Type

/** What all masters agree on, and an operator may switch. */
export const ClusterSwitches = Schema.Struct({
  epoch: Schema.Int,
  cluster_version: Schema.Int,
  /** While it is true, no agent is told to deploy anything. */
  frozen: Schema.Boolean,
  freeze_reason: Schema.NullOr(Schema.String)
}).annotate({ identifier: "ClusterSwitches" })
export type ClusterSwitches = typeof ClusterSwitches.Type

export const Cluster = Schema.Struct({
  cluster_id: ClusterId,
  ...ClusterSwitches.fields,
  /** The master that answers. The next four are as it sees them. */
  answered_by: MasterId,
  /** `null` while none is known: nothing can be changed then. */
  leader_id: Schema.NullOr(MasterId),
  term: count,
  commit_index: count,
  applied_index: count,
  /** Masters that count for majorities now, and how many of them may fail while the others go on. */
  voters: count,
  failures_tolerated: count,
  masters: Schema.Array(Master),
  /** What an operator should do or know, in sentences, the most urgent first. */
  advice: Schema.Array(Schema.String)
}).annotate({ identifier: "Cluster" })
export type Cluster = typeof Cluster.Type

export const VotingChange = Schema.Struct({ voter: Schema.Boolean }).annotate({ identifier: "VotingChange" })

export const FreezeChange = Schema.Struct({
  frozen: Schema.Boolean,
  /** For whoever finds the cluster frozen. Needed to freeze. */
  reason: withDefault(Schema.Union([Schema.Literal(""), line(Limits.changeSummaryCharactersMax)]), "")
}).annotate({ identifier: "FreezeChange" })

/** The version that the cluster is to have: one more than it has. There is no way down. */
export const VersionChange = Schema.Struct({ version: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)) }).annotate({
  identifier: "VersionChange"
})

/** To whom the leader should hand over; `null` lets the master choose. */
export const LeadershipChange = Schema.Struct({ to: withDefault(Schema.NullOr(MasterId), null) }).annotate({
  identifier: "LeadershipChange"
})

/** A handover that was asked for. Whether it came about, the status of the cluster says. */
export const Handover = Schema.Struct({ from: MasterId, to: MasterId }).annotate({ identifier: "Handover" })
export type Handover = typeof Handover.Type
