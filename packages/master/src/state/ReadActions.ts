/** What people asked of agents, and what became of it. Of a cluster below version 3 there is nothing to read. */
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import type { Connection } from "./Connection.ts"
import { clusterVersion } from "./ReadCluster.ts"

/** The cluster version that has the table. */
const since = 3

export const keepsActions = (connection: Connection): boolean => clusterVersion(connection) >= since

const parse = ({ data }: { readonly data: string }): ActionRecord => JSON.parse(data) as ActionRecord

export const action = (connection: Connection, id: string): ActionRecord | undefined => {
  if (!keepsActions(connection)) return undefined
  const row = connection.get<{ readonly data: string }>("SELECT data FROM agent_actions WHERE id = ?", id)
  return row === undefined ? undefined : parse(row)
}

/** The newest first; there are few of each agent. */
export const actionsOf = (connection: Connection, agentId: string): ReadonlyArray<ActionRecord> =>
  keepsActions(connection)
    ? connection
        .all<{ readonly data: string }>(
          "SELECT data FROM agent_actions WHERE agent_id = ? ORDER BY entry DESC, id DESC",
          agentId
        )
        .map(parse)
    : []

/** Not answered yet, the oldest first. */
export const pendingActions = (connection: Connection, agentId: string): ReadonlyArray<ActionRecord> =>
  keepsActions(connection)
    ? connection
        .all<{ readonly data: string }>(
          "SELECT data FROM agent_actions WHERE agent_id = ? AND status = 'pending' ORDER BY entry, id",
          agentId
        )
        .map(parse)
    : []

/** Whether a request under this key was answered, and its answer would be given again. */
export const isAnswered = (connection: Connection, principal: string, key: string, nowMillis: number): boolean =>
  connection.get(
    "SELECT 1 AS found FROM idempotency WHERE principal = ? AND key = ? AND expires_at_millis > ?",
    principal,
    key,
    nowMillis
  ) !== undefined
