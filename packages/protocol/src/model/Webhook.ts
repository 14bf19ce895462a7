/** Where alerts are delivered: an HTTP endpoint of the operator's, and what became of each message to it. */
import { Schema } from "effect"
import { AlertRuleId, WebhookId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import type { ErrorDetail } from "../Rejection.ts"
import { AlertSeverity, StoredAlert } from "./Alert.ts"
import { place, placeOnCreate } from "./Place.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { SealedSecret } from "./SealedSecret.ts"
import { line, Name, Timestamp } from "./Text.ts"

const content = {
  name: Name,
  url: line(Limits.urlCharactersMax),
  enabled: Schema.Boolean,
  /** Plain HTTP tells the alerts to whoever listens on the way. */
  allow_http: Schema.Boolean,
  /** Alerts that are less severe are not sent. */
  severity_min: AlertSeverity,
  /** Only alerts of these rules; empty: of all. */
  rule_ids: Schema.Array(AlertRuleId).check(Schema.isMaxLength(Limits.webhookRulesMax)),
  /** Whether a message says that an alert is resolved. */
  send_resolved: Schema.Boolean
}

/** Identifies one message for good: sent as `webhook-id` and `Idempotency-Key` with every attempt. */
export const DeliveryId = Schema.String.check(Schema.isUUID()).pipe(Schema.brand("DeliveryId"))
export type DeliveryId = typeof DeliveryId.Type

/** pending: not accepted yet, and tried again. failed: given up. */
export const DeliveryStatus = Schema.Literals(["pending", "delivered", "failed"])
export type DeliveryStatus = typeof DeliveryStatus.Type

export const WebhookDelivery = Schema.Struct({
  id: DeliveryId,
  webhook_id: WebhookId,
  kind: Schema.Literals(["alerts", "test"]),
  status: DeliveryStatus,
  created_at: Timestamp,
  /** How many alerts the message tells of. */
  alerts: Schema.Int,
  attempts: Schema.Int,
  last_attempt_at: Schema.NullOr(Timestamp),
  /** When it is tried again; `null` unless it is pending. */
  next_attempt_at: Schema.NullOr(Timestamp),
  /** The endpoint's answer; `null` when there was none. */
  http_status: Schema.NullOr(Schema.Int),
  /** Why the last attempt failed, in one sentence. */
  error: Schema.NullOr(Schema.String)
}).annotate({ identifier: "WebhookDelivery" })
export type WebhookDelivery = typeof WebhookDelivery.Type

export const StoredWebhook = Schema.Struct({ id: WebhookId, ...place, ...content, secret: SealedSecret, ...stamps })
export type StoredWebhook = typeof StoredWebhook.Type

/** failing: the last attempt failed. unused: nothing was sent yet. */
export const WebhookHealth = Schema.Literals(["unused", "ok", "failing"])

export const Webhook = Schema.Struct({
  id: WebhookId,
  ...place,
  ...content,
  health: WebhookHealth,
  /** The delivery that was tried last; `null` before the first. */
  last_delivery: Schema.NullOr(WebhookDelivery),
  /** Messages that wait. */
  deliveries_pending: Schema.Int,
  ...stamps
}).annotate({ identifier: "Webhook" })
export type Webhook = typeof Webhook.Type

/** As answered once: with the secret that messages are signed with. */
export const IssuedWebhook = Schema.Struct({
  ...Webhook.fields,
  /** `whsec_` and base64 (Standard Webhooks). It is not shown again. */
  secret: Schema.String
}).annotate({ identifier: "IssuedWebhook" })
export type IssuedWebhook = typeof IssuedWebhook.Type

export const WebhookCreate = Schema.Struct({
  ...placeOnCreate,
  ...content,
  enabled: withDefault(Schema.Boolean, true),
  allow_http: withDefault(Schema.Boolean, false),
  severity_min: withDefault(AlertSeverity, "info"),
  rule_ids: withDefault(content.rule_ids, []),
  send_resolved: withDefault(Schema.Boolean, true)
}).annotate({ identifier: "WebhookCreate" })
export type WebhookCreate = typeof WebhookCreate.Type

export const WebhookPatch = patch(content).annotate({ identifier: "WebhookPatch" })
export type WebhookPatch = typeof WebhookPatch.Type

const urlParts = /^(https?):\/\/([^\s/?#\\]+)([/?][^\s#\\]*)?(#.*)?$/i

/** What a URL may be; whether its addresses may be called is looked at when it is called. */
export const webhookProblems = ({
  allow_http,
  url
}: Pick<StoredWebhook, "allow_http" | "url">): ReadonlyArray<ErrorDetail> => {
  const [, scheme = "", host = "", , fragment] = urlParts.exec(url) ?? []
  const problem = (message: string) => [{ field: "url", message }]
  if (host === "") return problem("must be a URL, as in https://alerts.example.com/nxmesh")
  if (scheme.toLowerCase() === "http" && !allow_http) {
    return problem("must begin with https://, or allow_http must be true: plain HTTP can be read on the way")
  }
  if (host.includes("@")) return problem("must not hold a user or a password: messages are signed")
  return fragment === undefined ? [] : problem("must not have a part after #")
}

/** The body of a message, version 1. Fields may be added; none is taken away. */
export const WebhookMessage = Schema.Struct({
  version: Schema.Literal(1),
  type: Schema.Literals(["alerts", "test"]),
  id: DeliveryId,
  created_at: Timestamp,
  webhook: Schema.Struct({ id: WebhookId, name: Schema.String }),
  /** Each as it was when the message was written: firing or resolved. */
  alerts: Schema.Array(StoredAlert)
}).annotate({ identifier: "WebhookMessage" })
export type WebhookMessage = typeof WebhookMessage.Type
