/** Which agents are where somebody may look. */
import type { AgentId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Visible } from "@nxmesh/protocol/model/Access"
import type { Connection } from "./Connection.ts"

/** Of one workspace, or of all that are visible; `null` where that is every agent, also those that are no more. */
export const agentsIn = (
  connection: Connection,
  visible: Visible,
  workspaceId: WorkspaceId | null
): ReadonlyArray<AgentId> | null => {
  if (visible === "all" && workspaceId === null) return null
  const scopes = visible === "all" ? null : JSON.stringify([...visible.organizationIds, ...visible.workspaceIds])
  const rows = connection.all<{ readonly id: AgentId }>(
    `SELECT a.id AS id FROM agents a JOIN workspaces w ON w.id = a.workspace_id
     WHERE (?1 IS NULL OR w.id = ?1)
       AND (?2 IS NULL OR w.id IN (SELECT value FROM json_each(?2)) OR w.organization_id IN (SELECT value FROM json_each(?2)))`,
    workspaceId,
    scopes
  )
  return rows.map(({ id }) => id)
}
