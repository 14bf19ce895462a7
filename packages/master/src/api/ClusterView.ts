/** The cluster as the API answers it: what is replicated and how it was last found, put together. Pure. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { Cluster, ClusterSwitches, Master, MasterRole } from "@nxmesh/protocol/model/ClusterStatus"
import { clusterAdvice, type ClusterFacts } from "../cluster/Advice.ts"
import type { LiveMaster, LiveStatus } from "../cluster/ClusterStatus.ts"
import { toleratedFailures } from "../cluster/Quorum.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import type { ClusterState } from "../state/ReadCluster.ts"

type Stored = ResourceOf<"master">

export const switchesView = ({ clusterVersion, epoch, freezeReason, frozen }: ClusterState): ClusterSwitches => ({
  epoch,
  cluster_version: clusterVersion,
  frozen,
  freeze_reason: freezeReason
})

const roleOf = (id: MasterId, stored: Stored | undefined, { leaderId, voters }: LiveStatus): MasterRole => {
  if (id === leaderId) return "leader"
  if (stored === undefined) return "leaving"
  if (voters.includes(id)) return "voter"
  return stored.voter ? "joining" : "learner"
}

const unknown: Omit<LiveMaster, "id"> = {
  healthy: false,
  problem: "has not been heard of yet",
  lastIndex: null,
  appliedIndex: null,
  version: null,
  disk: null
}

const foundView = (found: Omit<LiveMaster, "id">, stored: Stored | undefined, commitIndex: number) => ({
  healthy: found.healthy,
  problem: found.healthy ? null : (found.problem ?? "is not healthy"),
  version: found.version ?? stored?.version ?? null,
  last_index: found.lastIndex,
  applied_index: found.appliedIndex,
  lag_entries: found.appliedIndex === null ? null : Math.max(0, commitIndex - found.appliedIndex),
  disk: found.disk === null ? null : { data_bytes: found.disk.dataBytes, free_bytes: found.disk.freeBytes }
})

export const masterView = (stored: Stored, live: LiveStatus): Master => ({
  id: stored.id,
  name: stored.name,
  role: roleOf(stored.id, stored, live),
  voter: stored.voter,
  peer_address: stored.peer_address,
  agent_address: stored.agent_address,
  http_address: stored.http_address,
  cluster_versions: stored.cluster_versions,
  joined_at: stored.created_at,
  ...foundView(live.masters.get(stored.id) ?? unknown, stored, live.commitIndex)
})

/** Removed, and still in Raft's configuration for a moment. */
const leavingView = (id: MasterId, name: string, live: LiveStatus): Master => ({
  id,
  name,
  role: roleOf(id, undefined, live),
  voter: false,
  peer_address: null,
  agent_address: null,
  http_address: null,
  cluster_versions: null,
  joined_at: null,
  ...foundView(live.masters.get(id) ?? unknown, undefined, live.commitIndex)
})

/** Those that Raft counts and that should be no members any more. */
export const leavingIds = (
  masters: ReadonlyArray<Stored>,
  { learners, voters }: Pick<LiveStatus, "learners" | "voters">
): ReadonlyArray<MasterId> => [...voters, ...learners].filter((id) => !masters.some((master) => master.id === id))

/** All masters by name, those that leave last. `nameOf` tells what a removed one was called. */
export const mastersView = (
  masters: ReadonlyArray<Stored>,
  live: LiveStatus,
  nameOf: (id: MasterId) => string
): ReadonlyArray<Master> => [
  ...masters.map((stored) => masterView(stored, live)).sort((left, right) => left.name.localeCompare(right.name)),
  ...leavingIds(masters, live).map((id) => leavingView(id, nameOf(id), live))
]

export const clusterView = (facts: ClusterFacts, nameOf: (id: MasterId) => string): Cluster => {
  const { live, masters, state } = facts
  return {
    cluster_id: state.clusterId,
    ...switchesView(state),
    answered_by: live.id,
    leader_id: live.leaderId,
    term: live.term,
    commit_index: live.commitIndex,
    applied_index: live.appliedIndex,
    voters: live.voters.length,
    failures_tolerated: toleratedFailures(live.voters.length),
    masters: mastersView(masters, live, nameOf),
    advice: clusterAdvice(facts)
  }
}
