/**
 * Who is to be told what, as a pure function. Level-triggered: it compares what each webhook was told with what is so, and so
 * what was silenced is told when the silence ends, and what happened while an endpoint was away is gathered in one message.
 */
import type { AgentId, WebhookId } from "@nxmesh/protocol/Ids"
import { type AlertId, AlertSeverity, isAtLeast, type StoredAlert } from "@nxmesh/protocol/model/Alert"
import { type AlertSilence, silences } from "@nxmesh/protocol/model/AlertSilence"
import { holds } from "@nxmesh/protocol/model/Place"
import type { StoredWebhook } from "@nxmesh/protocol/model/Webhook"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import type { KeptAlert } from "../state/ReadAlerting.ts"

const { alerting } = Limits

/** The messages to one webhook that are under way. */
export interface WebhookTraffic {
  readonly waiting: number
  /** One of them was tried in vain. */
  readonly retrying: boolean
  /** Of the last message about alerts. */
  readonly lastAtMillis: number | null
}

export interface Audience {
  readonly webhooks: ReadonlyArray<StoredWebhook>
  readonly traffic: ReadonlyMap<WebhookId, WebhookTraffic>
  readonly silences: ReadonlyArray<AlertSilence>
  readonly inMaintenance: ReadonlySet<AgentId>
}

export interface PlannedMessage {
  readonly webhookId: WebhookId
  readonly alerts: ReadonlyArray<AlertId>
}

export interface MessagePlan {
  readonly messages: ReadonlyArray<PlannedMessage>
  /** Resolved, and nobody is left who wants to know. */
  readonly settled: ReadonlyArray<AlertId>
}

const isWanted = (webhook: StoredWebhook, alert: StoredAlert): boolean =>
  holds(webhook, alert) &&
  isAtLeast(alert.severity, webhook.severity_min) &&
  (webhook.rule_ids.length === 0 || webhook.rule_ids.includes(alert.rule_id))

const mayTell = (traffic: WebhookTraffic | undefined, nowMillis: number): boolean => {
  if (traffic === undefined) return true
  const { lastAtMillis, retrying, waiting } = traffic
  const interval = Duration.toMillis(alerting.messageInterval)
  // A clock that went back delays nobody.
  const isSoon = lastAtMillis !== null && lastAtMillis <= nowMillis && nowMillis - lastAtMillis < interval
  return !retrying && waiting < alerting.deliveriesWaitingMax && !isSoon
}

/** The worst first, then the oldest. */
const urgency = (a: StoredAlert, b: StoredAlert): number =>
  AlertSeverity.literals.indexOf(b.severity) - AlertSeverity.literals.indexOf(a.severity) ||
  (a.started_at < b.started_at ? -1 : a.started_at > b.started_at ? 1 : 0) ||
  (a.id < b.id ? -1 : 1)

/** What is resolved is told to whoever was told that it fires, silence or not: it closes what was opened. */
const toTell = (webhook: StoredWebhook, { alert, told }: KeptAlert, isHeldBack: boolean): boolean => {
  const wasTold = told[webhook.id] === "firing"
  switch (alert.state) {
    case "firing":
      return !wasTold && !isHeldBack && isWanted(webhook, alert)
    case "resolved":
      return wasTold && webhook.send_resolved
    case "pending":
      return false
  }
}

/** @param kept all open alerts as they will be after this round */
export const planMessages = (kept: ReadonlyArray<KeptAlert>, audience: Audience, nowMillis: number): MessagePlan => {
  const { inMaintenance, silences: all, traffic } = audience
  const webhooks = audience.webhooks.filter(({ enabled }) => enabled)
  const heldBack = new Set(
    kept
      .filter(
        ({ alert }) =>
          (alert.agent_id !== null && inMaintenance.has(alert.agent_id)) ||
          all.some((silence) => silences(silence, alert, nowMillis))
      )
      .map(({ alert }) => alert.id)
  )
  const messages = webhooks.flatMap((webhook): ReadonlyArray<PlannedMessage> => {
    if (!mayTell(traffic.get(webhook.id), nowMillis)) return []
    const alerts = kept
      .filter((one) => toTell(webhook, one, heldBack.has(one.alert.id)))
      .map(({ alert }) => alert)
      .sort(urgency)
      .slice(0, alerting.alertsPerMessageMax)
      .map(({ id }) => id)
    return alerts.length === 0 ? [] : [{ webhookId: webhook.id, alerts }]
  })
  const listening: ReadonlySet<string> = new Set(
    webhooks.filter(({ send_resolved }) => send_resolved).map(({ id }) => id)
  )
  const settled = kept
    .filter(({ alert, told }) => {
      const names = Object.keys(told)
      return alert.state === "resolved" && names.length > 0 && !names.some((id) => listening.has(id))
    })
    .map(({ alert }) => alert.id)
  return { messages, settled }
}
