/** The rows of what people asked of agents: written by apply, since cluster version 3. */
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import { Limits } from "../../Limits.ts"
import type { Connection } from "../Connection.ts"
import { keepsActions } from "../ReadActions.ts"

/** An action as apply keeps it. */
export interface ActionRow {
  readonly record: ActionRecord
  /** How the agent's maintenance was, where the action changed it before it was tried; else `null`. */
  readonly undo: Maintenance | null
}
export interface Maintenance {
  readonly maintenance: boolean
  readonly maintenance_reason: string | null
}

export const findAction = (connection: Connection, id: string): ActionRow | undefined => {
  const row = connection.get<{ readonly data: string; readonly undo: string | null }>(
    "SELECT data, undo FROM agent_actions WHERE id = ?",
    id
  )
  if (row === undefined) return undefined
  return {
    record: JSON.parse(row.data) as ActionRecord,
    undo: row.undo === null ? null : (JSON.parse(row.undo) as Maintenance)
  }
}

/** The oldest of the agent's go, above the bound. */
export const addAction = (connection: Connection, { record, undo }: ActionRow, entry: number): void => {
  connection.run(
    `INSERT INTO agent_actions (id, agent_id, workspace_id, requested_at, action, status, undo, entry, data)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    record.id,
    record.agent_id,
    record.workspace_id,
    record.requested_at,
    record.action,
    record.status,
    undo === null ? null : JSON.stringify(undo),
    entry,
    JSON.stringify(record)
  )
  connection.run(
    `DELETE FROM agent_actions WHERE id IN (SELECT id FROM agent_actions WHERE agent_id = ?
       ORDER BY entry DESC LIMIT -1 OFFSET ?)`,
    record.agent_id,
    Limits.state.actionsPerAgentMax
  )
}

export const replaceAction = (connection: Connection, record: ActionRecord): void => {
  connection.run(
    "UPDATE agent_actions SET status = ?, data = ? WHERE id = ?",
    record.status,
    JSON.stringify(record),
    record.id
  )
}

/** Of an agent that is removed. */
export const forgetActions = (connection: Connection, agentId: string): void => {
  if (keepsActions(connection)) connection.run("DELETE FROM agent_actions WHERE agent_id = ?", agentId)
}
