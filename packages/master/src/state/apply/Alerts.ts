/**
 * What the leader found: alerts that began, fire or are resolved, and the messages about them, in one entry. So whoever leads
 * next neither forgets an alert nor fires it again, and a message that was decided on is sent.
 */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { AlertId, StoredAlert } from "@nxmesh/protocol/model/Alert"
import { Duration } from "effect"
import { Limits } from "../../Limits.ts"
import type { Connection } from "../Connection.ts"
import { findAlert, type KeptAlert, keepsAlerts, type Told } from "../ReadAlerting.ts"
import { findResource } from "../Resources.ts"
import { addDelivery, forgetDeliveries } from "./AlertDeliveries.ts"
import { placedChanged } from "./Placed.ts"
import { type Applied, timestampOf, type Transaction } from "./Transaction.ts"

const { alerting } = Limits

const putAlert = ({ connection, index }: Transaction, alert: StoredAlert): void => {
  connection.run(
    `INSERT INTO alerts (id, rule_id, state, severity, organization_id, workspace_id, agent_id, started_at, resolved_at, entry,
       told, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity, started_at = excluded.started_at,
       organization_id = excluded.organization_id, workspace_id = excluded.workspace_id, resolved_at = excluded.resolved_at,
       entry = excluded.entry, data = excluded.data`,
    alert.id,
    alert.rule_id,
    alert.state,
    alert.severity,
    alert.organization_id,
    alert.workspace_id,
    alert.agent_id,
    alert.started_at,
    alert.resolved_at,
    index,
    JSON.stringify(alert)
  )
}

const setTold = (connection: Connection, id: AlertId, told: Told): void => {
  connection.run("UPDATE alerts SET told = ? WHERE id = ?", JSON.stringify(told), id)
}

/** The alerts of the message as they are now, and noted as told. */
const tell = (tx: Transaction, message: CommandOf<"RecordAlerts">["messages"][number]): void => {
  const { connection } = tx
  const webhook = findResource(connection, "webhook", message.webhook_id)
  if (webhook === undefined || !webhook.enabled) return
  const kept = message.alerts
    .map((id) => findAlert(connection, id))
    .filter((found): found is KeptAlert => found !== undefined)
  for (const { alert, told } of kept) {
    const { [webhook.id]: _before, ...others } = told
    setTold(connection, alert.id, alert.state === "firing" ? { ...others, [webhook.id]: "firing" } : others)
  }
  addDelivery(tx, webhook, { id: message.id, kind: "alerts", alerts: kept.map(({ alert }) => alert) })
}

/** What was told and no longer is to be: resolved before somebody wanted to know, or for a webhook that is gone. */
const untell = ({ connection }: Transaction, ids: ReadonlyArray<AlertId>): void => {
  for (const id of ids) setTold(connection, id, {})
}

/** What was resolved long ago goes, and the oldest above the bound. */
const prune = ({ atMillis, connection }: Transaction): void => {
  const cut = timestampOf(atMillis - Duration.toMillis(alerting.resolvedKept))
  connection.run("DELETE FROM alerts WHERE state = 'resolved' AND resolved_at < ?", cut)
  connection.run(
    `DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE state = 'resolved'
       ORDER BY resolved_at DESC, id LIMIT -1 OFFSET ?)`,
    alerting.resolvedMax
  )
  const ended = timestampOf(atMillis - Duration.toMillis(alerting.silencesKept))
  connection.run("DELETE FROM alert_silences WHERE ends_at < ?", ended)
}

export const recordAlerts = (tx: Transaction, command: CommandOf<"RecordAlerts">): Applied => {
  const { messages, put, remove, settled } = command
  for (const alert of put) putAlert(tx, alert)
  const gone = remove.flatMap((id) => findAlert(tx.connection, id) ?? [])
  for (const { alert } of gone) tx.connection.run("DELETE FROM alerts WHERE id = ?", alert.id)
  for (const message of messages) tell(tx, message)
  untell(tx, settled)
  prune(tx)
  return {
    value: null,
    events: [
      ...put.map((alert) => placedChanged("alert", alert.id, "update", alert)),
      ...gone.map(({ alert }) => placedChanged("alert", alert.id, "delete", alert))
    ],
    audit: null
  }
}

/** Of a workspace or an organization that is deleted: what belongs to it goes with it. */
export const forgetAlerting = (
  { connection }: Transaction,
  place: { readonly column: "organization_id" | "workspace_id"; readonly id: string }
): void => {
  if (!keepsAlerts(connection)) return
  for (const { id } of connection.all<{ readonly id: string }>(
    `SELECT id FROM webhooks WHERE ${place.column} = ?`,
    place.id
  )) {
    forgetDeliveries(connection, id)
  }
  for (const table of ["alert_rules", "alert_silences", "webhooks", "alerts"]) {
    connection.run(`DELETE FROM ${table} WHERE ${place.column} = ?`, place.id)
  }
}
