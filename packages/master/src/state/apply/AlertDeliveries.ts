/** Messages to webhooks: written before they are sent, and what became of each attempt after it (design-cluster.md 8). */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { StoredAlert } from "@nxmesh/protocol/model/Alert"
import type { DeliveryId, StoredWebhook, WebhookDelivery, WebhookMessage } from "@nxmesh/protocol/model/Webhook"
import { Limits } from "../../Limits.ts"
import type { Connection } from "../Connection.ts"
import { findAlert, findDelivery } from "../ReadAlerting.ts"
import { findResource } from "../Resources.ts"
import { placedChanged } from "./Placed.ts"
import type { Applied, Transaction } from "./Transaction.ts"

interface NewDelivery {
  readonly id: DeliveryId
  readonly kind: WebhookMessage["type"]
  readonly alerts: ReadonlyArray<StoredAlert>
}

/** To be sent at once. The finished ones of the webhook above the bound go. */
export const addDelivery = (
  tx: Transaction,
  webhook: StoredWebhook,
  { alerts, id, kind }: NewDelivery
): WebhookDelivery => {
  const { connection, index, timestamp } = tx
  const message: WebhookMessage = {
    version: 1,
    type: kind,
    id,
    created_at: timestamp,
    webhook: { id: webhook.id, name: webhook.name },
    alerts
  }
  const delivery: WebhookDelivery = {
    id,
    webhook_id: webhook.id,
    kind,
    status: "pending",
    created_at: timestamp,
    alerts: alerts.length,
    attempts: 0,
    last_attempt_at: null,
    next_attempt_at: timestamp,
    http_status: null,
    error: null
  }
  connection.run(
    `INSERT OR IGNORE INTO alert_deliveries (id, webhook_id, status, next_attempt_at, entry, message, data)
     VALUES (?, ?, 'pending', ?, ?, ?, ?)`,
    id,
    webhook.id,
    timestamp,
    index,
    JSON.stringify(message),
    JSON.stringify(delivery)
  )
  connection.run(
    `DELETE FROM alert_deliveries WHERE id IN (SELECT id FROM alert_deliveries WHERE webhook_id = ? AND status <> 'pending'
       ORDER BY entry DESC, id DESC LIMIT -1 OFFSET ?)`,
    webhook.id,
    Limits.alerting.deliveriesKeptPerWebhook
  )
  return delivery
}

export const forgetDeliveries = (connection: Connection, webhookId: string): void => {
  connection.run("DELETE FROM alert_deliveries WHERE webhook_id = ?", webhookId)
}

/** A message that nobody took told nobody: what still fires is told with the next one. */
const untell = (connection: Connection, { id, webhook_id }: WebhookDelivery): void => {
  const row = connection.get<{ readonly message: string }>("SELECT message FROM alert_deliveries WHERE id = ?", id)
  if (row === undefined) return
  for (const { id: alertId } of (JSON.parse(row.message) as WebhookMessage).alerts) {
    const kept = findAlert(connection, alertId)
    if (kept === undefined) continue
    const { [webhook_id]: _told, ...told } = kept.told
    connection.run("UPDATE alerts SET told = ? WHERE id = ?", JSON.stringify(told), alertId)
  }
}

type Attempt = CommandOf<"RecordDeliveries">["attempts"][number]

/** The first end counts; an attempt of a message that is gone is passed over. */
const record = ({ connection }: Transaction, attempt: Attempt): WebhookDelivery | undefined => {
  const before = findDelivery(connection, attempt.id)
  if (before === undefined || before.status !== "pending") return undefined
  const { at, error, http_status, next_attempt_at, status } = attempt
  const after: WebhookDelivery = {
    ...before,
    status,
    attempts: before.attempts + 1,
    last_attempt_at: at,
    next_attempt_at: status === "pending" ? next_attempt_at : null,
    http_status,
    error
  }
  if (status === "failed") untell(connection, before)
  connection.run(
    `UPDATE alert_deliveries SET status = ?, next_attempt_at = ?, data = ?,
       message = CASE WHEN ? = 'pending' THEN message END WHERE id = ?`,
    status,
    after.next_attempt_at,
    JSON.stringify(after),
    status,
    after.id
  )
  return after
}

export const recordDeliveries = (tx: Transaction, command: CommandOf<"RecordDeliveries">): Applied => {
  const recorded = command.attempts.flatMap((attempt) => record(tx, attempt) ?? [])
  const webhooks = [...new Set(recorded.map(({ webhook_id }) => webhook_id))]
  return {
    value: null,
    events: webhooks.flatMap((id) => {
      const webhook = findResource(tx.connection, "webhook", id)
      return webhook === undefined ? [] : [placedChanged("webhook", id, "update", webhook)]
    }),
    audit: null
  }
}
