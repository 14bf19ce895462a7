/** What the masters agree on about themselves: the cluster's switches, who may join, who holds which agent. */
import type { AgentId, ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import type { JoinToken } from "@nxmesh/protocol/model/Master"
import type { Connection } from "./Connection.ts"

export interface ClusterState {
  readonly clusterId: ClusterId
  /** Counted up by a restore and a forced recovery (design-cluster.md 1). */
  readonly epoch: number
  /** While it is true, no agent is told to deploy anything. */
  readonly frozen: boolean
  /** In the words of whoever froze; `null` when it is not frozen. */
  readonly freezeReason: string | null
  /** Apply, schema and bundles behave as this version says (design-cluster.md 6). */
  readonly clusterVersion: number
}

export const clusterState = (connection: Connection): ClusterState | undefined => {
  const row = connection.get<{
    readonly cluster_id: ClusterId
    readonly epoch: number
    readonly frozen: number
    readonly freeze_reason: string | null
    readonly cluster_version: number
  }>("SELECT cluster_id, epoch, frozen, freeze_reason, cluster_version FROM cluster")
  if (row === undefined) return undefined
  return {
    clusterId: row.cluster_id,
    epoch: row.epoch,
    frozen: row.frozen === 1,
    freezeReason: row.freeze_reason,
    clusterVersion: row.cluster_version
  }
}

/** Of a state without a cluster: 1, as every state begins. */
export const clusterVersion = (connection: Connection): number =>
  connection.get<{ readonly cluster_version: number }>("SELECT cluster_version FROM cluster")?.cluster_version ?? 1

const tokenColumns = "id, created_at, expires_at, used_at"

export const joinToken = (connection: Connection, column: "id" | "token_hash", value: string): JoinToken | undefined =>
  connection.get<JoinToken>(`SELECT ${tokenColumns} FROM join_tokens WHERE ${column} = ?`, value)

/** The newest first. */
export const joinTokens = (connection: Connection): ReadonlyArray<JoinToken> =>
  connection.all<JoinToken>(`SELECT ${tokenColumns} FROM join_tokens ORDER BY created_at DESC, id DESC`)

/** What a master was called that was removed; `undefined` of one that was not. */
export const removedMasterName = (connection: Connection, id: MasterId): string | undefined =>
  connection.get<{ readonly name: string }>("SELECT name FROM removed_masters WHERE id = ?", id)?.name

/** True for a master that was a member once, and never can be again. */
export const isRemovedMaster = (connection: Connection, id: MasterId): boolean =>
  removedMasterName(connection, id) !== undefined

/** Who holds an agent's newest connection. A hint: the master may have died since. */
export interface AgentClaim {
  readonly master_id: MasterId
  /** Of that master's process. */
  readonly incarnation: string
  readonly connection_epoch: number
}

const claimColumns = "master_id, incarnation, connection_epoch"

export const agentClaim = (connection: Connection, agentId: string): AgentClaim | undefined =>
  connection.get<AgentClaim>(`SELECT ${claimColumns} FROM agent_claims WHERE agent_id = ?`, agentId)

/** Of every agent that some master holds: for filling a cache. */
export const agentClaims = (connection: Connection): ReadonlyMap<AgentId, AgentClaim> =>
  new Map(
    connection
      .all<AgentClaim & { readonly agent_id: AgentId }>(`SELECT agent_id, ${claimColumns} FROM agent_claims`)
      .map(({ agent_id, ...claim }) => [agent_id, claim])
  )
