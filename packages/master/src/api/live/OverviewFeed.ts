/** How the fleet and its masters are, as one asker may see it. */
import type { Overview } from "@nxmesh/protocol/live/LiveRpcs"
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { AgentState } from "@nxmesh/protocol/model/Agent"
import type { SeenAgent } from "./FleetSnapshot.ts"

type Counts = Pick<Overview, "agents" | "connected" | "converged">

/** Pure: the agents of the workspaces that may be seen, counted. */
export const countAgents = (
  agents: ReadonlyArray<SeenAgent>,
  maySee: (workspaceId: WorkspaceId) => boolean
): Counts => {
  const byState: Record<AgentState, number> = { Pending: 0, Online: 0, Offline: 0, Degraded: 0, Maintenance: 0 }
  let connected = 0
  let converged = 0
  for (const { desired, serving, state, workspaceId } of agents) {
    if (!maySee(workspaceId)) continue
    byState[state] += 1
    if (state !== "Online" && state !== "Degraded") continue
    connected += 1
    if (desired !== null && desired === serving) converged += 1
  }
  return { agents: byState, connected, converged }
}

/** What makes an overview another one: not the time at which it was taken, nor how far the log has come. */
export const overviewKey = ({ agents, cluster, connected, converged }: Overview): string =>
  JSON.stringify([
    agents,
    connected,
    converged,
    cluster === null ? null : { ...cluster, commit_index: 0, applied_index: 0, masters: cluster.masters.map(steady) }
  ])

/** Of a master's figures those that do not change with every entry. */
const steady = ({
  applied_index: _applied,
  disk: _disk,
  last_index: _last,
  ...master
}: NonNullable<Overview["cluster"]>["masters"][number]) => master
