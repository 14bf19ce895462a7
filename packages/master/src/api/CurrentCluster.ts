/** The cluster as this master sees it now, for the API and for the live channel. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { ClusterStatus, type LiveStatus } from "../cluster/ClusterStatus.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { clusterView, leavingIds } from "./ClusterView.ts"

/** What the removed ones were called that Raft still counts. */
export const leavingNames = Effect.fnUntraced(function* (
  masters: ReadonlyArray<ResourceOf<"master">>,
  live: LiveStatus
) {
  const { removedMasterName } = yield* Reads
  const names = new Map<MasterId, string>()
  for (const id of leavingIds(masters, live)) names.set(id, (yield* removedMasterName(id)) ?? id)
  return (id: MasterId) => names.get(id) ?? id
})

/** `undefined` while this master does not know its cluster. */
export const currentCluster = Effect.gen(function* () {
  const reads = yield* Reads
  const live = yield* (yield* ClusterStatus).status
  const state = yield* reads.clusterState
  if (state === undefined) return undefined
  const masters = yield* reads.masters
  return clusterView({ state, masters, live }, yield* leavingNames(masters, live))
})
