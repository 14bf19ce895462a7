/** Alerts and messages about them. Of a cluster below version 4 there is nothing to read. */
import type { WebhookId } from "@nxmesh/protocol/Ids"
import type { StoredAlert } from "@nxmesh/protocol/model/Alert"
import type { DeliveryId, WebhookDelivery, WebhookMessage } from "@nxmesh/protocol/model/Webhook"
import { Limits } from "../Limits.ts"
import type { Connection } from "./Connection.ts"
import { clusterVersion } from "./ReadCluster.ts"

/** The cluster version that has the tables. */
const since = 4

export const keepsAlerts = (connection: Connection): boolean => clusterVersion(connection) >= since

/** What the last message to each webhook that is written said of an alert. */
export type Told = Readonly<Record<WebhookId, "firing">>

/** An alert, and which webhooks were told that it fires and not yet that it is resolved. */
export interface KeptAlert {
  readonly alert: StoredAlert
  readonly told: Told
}

export interface AlertRow {
  readonly data: string
  readonly told: string
}
export const parseAlert = ({ data, told }: AlertRow): KeptAlert => ({
  alert: JSON.parse(data) as StoredAlert,
  told: JSON.parse(told) as Told
})

export const findAlert = (connection: Connection, id: string): KeptAlert | undefined => {
  if (!keepsAlerts(connection)) return undefined
  const row = connection.get<AlertRow>("SELECT data, told FROM alerts WHERE id = ?", id)
  return row === undefined ? undefined : parseAlert(row)
}

/** Pending, firing, and resolved ones of which some webhook still thinks that they fire: what the leader has to look at. */
export const openAlerts = (connection: Connection): ReadonlyArray<KeptAlert> =>
  keepsAlerts(connection)
    ? connection
        .all<AlertRow>("SELECT data, told FROM alerts WHERE state <> 'resolved' OR told <> '{}' ORDER BY id")
        .map(parseAlert)
    : []

export const countFiring = (connection: Connection): Readonly<Record<string, number>> =>
  keepsAlerts(connection)
    ? Object.fromEntries(
        connection
          .all<{ readonly severity: string; readonly count: number }>(
            "SELECT severity, count(*) AS count FROM alerts WHERE state = 'firing' GROUP BY severity"
          )
          .map(({ count, severity }) => [severity, count])
      )
    : {}

export interface DueDelivery {
  readonly delivery: WebhookDelivery
  readonly message: WebhookMessage
}
interface DeliveryRow {
  readonly data: string
}
const parseDelivery = ({ data }: DeliveryRow): WebhookDelivery => JSON.parse(data) as WebhookDelivery

export const findDelivery = (connection: Connection, id: DeliveryId): WebhookDelivery | undefined => {
  if (!keepsAlerts(connection)) return undefined
  const row = connection.get<DeliveryRow>("SELECT data FROM alert_deliveries WHERE id = ?", id)
  return row === undefined ? undefined : parseDelivery(row)
}

/** Messages to be sent by this time, the oldest first. */
export const dueDeliveries = (connection: Connection, now: string): ReadonlyArray<DueDelivery> =>
  keepsAlerts(connection)
    ? connection
        .all<DeliveryRow & { readonly message: string }>(
          `SELECT data, message FROM alert_deliveries WHERE status = 'pending' AND next_attempt_at <= ?
           ORDER BY entry, id LIMIT ?`,
          now,
          Limits.alerting.deliveriesTogetherMax
        )
        .map((row) => ({ delivery: parseDelivery(row), message: JSON.parse(row.message) as WebhookMessage }))
    : []

/** Of one webhook, the newest first; there are few. */
export const deliveriesOf = (connection: Connection, webhookId: WebhookId): ReadonlyArray<WebhookDelivery> =>
  keepsAlerts(connection)
    ? connection
        .all<DeliveryRow>(
          "SELECT data FROM alert_deliveries WHERE webhook_id = ? ORDER BY entry DESC, id DESC",
          webhookId
        )
        .map(parseDelivery)
    : []

/** How many messages wait, by webhook. */
export const waitingDeliveries = (connection: Connection): ReadonlyMap<WebhookId, number> =>
  new Map(
    keepsAlerts(connection)
      ? connection
          .all<{ readonly webhook_id: WebhookId; readonly count: number }>(
            "SELECT webhook_id, count(*) AS count FROM alert_deliveries WHERE status = 'pending' GROUP BY webhook_id"
          )
          .map(({ count, webhook_id }) => [webhook_id, count] as const)
      : []
  )

/** When somebody last took a backup, as the audit has it; `undefined`: never since the audit begins. */
export const lastBackupAt = (connection: Connection): string | undefined =>
  connection.get<{ readonly at: string }>(
    `SELECT at FROM audit WHERE kind = 'cluster' AND command = 'RecordBackup' AND outcome = 'accepted'
     ORDER BY entry DESC LIMIT 1`
  )?.at

/** Which sets of built-in rules were made. */
export const madeDefaults = (connection: Connection): ReadonlySet<number> =>
  new Set(
    keepsAlerts(connection)
      ? connection.all<{ readonly number: number }>("SELECT number FROM alert_defaults").map(({ number }) => number)
      : []
  )

export interface Traffic {
  readonly waiting: number
  /** One of those that wait was tried in vain. */
  readonly retrying: boolean
  /** When the last message about alerts was written. */
  readonly lastAtMillis: number | null
}

/** What is under way to each webhook that was ever sent anything. */
export const webhookTraffic = (connection: Connection): ReadonlyMap<WebhookId, Traffic> =>
  new Map(
    connection
      .all<{
        readonly webhook_id: WebhookId
        readonly waiting: number
        readonly tried: number
        readonly last: string | null
      }>(
        `SELECT webhook_id, sum(status = 'pending') AS waiting,
           max(status = 'pending' AND json_extract(data, '$.attempts') > 0) AS tried,
           max(CASE WHEN json_extract(data, '$.kind') = 'alerts' THEN json_extract(data, '$.created_at') END) AS last
         FROM alert_deliveries GROUP BY webhook_id`
      )
      .map(({ last, tried, waiting, webhook_id }) => [
        webhook_id,
        { waiting, retrying: tried === 1, lastAtMillis: last === null ? null : Date.parse(last) }
      ])
  )
