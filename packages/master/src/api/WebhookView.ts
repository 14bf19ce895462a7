/** Webhooks as they are answered: without the secret, and with what became of the messages to them. */
import type { IssuedWebhook, StoredWebhook, Webhook } from "@nxmesh/protocol/model/Webhook"
import { Effect, Redacted } from "effect"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Database } from "../state/Database.ts"
import { deliveriesOf } from "../state/ReadAlerting.ts"

export const webhookView = Effect.fnUntraced(function* ({ secret: _secret, ...webhook }: StoredWebhook) {
  const { reader } = yield* Database
  const deliveries = deliveriesOf(reader, webhook.id)
  const tried = deliveries.filter(({ last_attempt_at }) => last_attempt_at !== null)
  const last = tried.toSorted((a, b) => ((a.last_attempt_at ?? "") < (b.last_attempt_at ?? "") ? 1 : -1))[0] ?? null
  const view: Webhook = {
    ...webhook,
    health: last === null ? "unused" : last.status === "delivered" ? "ok" : "failing",
    last_delivery: last,
    deliveries_pending: deliveries.filter(({ status }) => status === "pending").length
  }
  return view
})

/** For who made it, and for who repeats that request under its key. */
export const issuedView = Effect.fnUntraced(function* (webhook: StoredWebhook) {
  const secrets = yield* Secrets
  const opened = yield* Effect.orDie(secrets.open(webhook.secret, sealedPlaces.webhook(webhook.id)))
  const issued: IssuedWebhook = { ...(yield* webhookView(webhook)), secret: Redacted.value(opened) }
  return issued
})
