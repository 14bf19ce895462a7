import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { WebhookId } from "@nxmesh/protocol/Ids"
import { DeliveryId, type StoredWebhook, type WebhookDelivery, webhookProblems } from "@nxmesh/protocol/model/Webhook"
import { Effect, Redacted, Schedule } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { secretText } from "../alerting/WebhookSignature.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { visibleScopes } from "../auth/AccessChecks.ts"
import { Database } from "../state/Database.ts"
import type { ContentOf } from "../state/Kinds.ts"
import { deliveriesOf, findDelivery } from "../state/ReadAlerting.ts"
import { Reads } from "../state/Reads.ts"
import { writePermission } from "../state/ResourceScope.ts"
import { requireAlerting, withAlerting } from "./AlertingVersion.ts"
import { fullPlace } from "./AlertRulesHandlers.ts"
import { changeResource, existing } from "./Change.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { newId } from "./NewIds.ts"
import { requirePlaceOf } from "./NewPlace.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { invalid } from "./Refusal.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"
import { issuedView, webhookView } from "./WebhookView.ts"

/** Refuses what the schema alone cannot see. */
const checked = Effect.fnUntraced(function* (webhook: ContentOf<"webhook">) {
  const problems = webhookProblems(webhook)
  if (problems.length > 0) return yield* Effect.fail(invalid(problems))
  if (!URL.canParse(webhook.url)) return yield* Effect.fail(invalid([{ field: "url", message: "is no URL" }]))
  return webhook
})

const newSecret = Effect.fnUntraced(function* (id: WebhookId) {
  const token = yield* (yield* Identifiers).token(Limits.alerting.webhookSecretBytes)
  const text = secretText(Buffer.from(Redacted.value(token), "base64url"))
  return yield* (yield* Secrets).seal(Redacted.make(text), sealedPlaces.webhook(id))
})

const saved = (current: StoredWebhook, changes: Partial<ContentOf<"webhook">>) =>
  Effect.map(checked({ ...unstamped(current), ...changes }), (webhook) => ({
    _tag: "SaveWebhook" as const,
    mode: "update" as const,
    if_match: current.revision,
    webhook
  }))

/** A test ends soon, or nobody leads. */
const ended = Effect.fnUntraced(function* (id: DeliveryId) {
  const { reader } = yield* Database
  return yield* Effect.sync(() => findDelivery(reader, id)).pipe(
    Effect.repeat({
      schedule: Schedule.spaced("100 millis"),
      until: (delivery) => delivery === undefined || delivery.status !== "pending"
    }),
    Effect.timeoutOrElse({
      duration: Limits.alerting.testWait,
      orElse: () => Effect.sync(() => findDelivery(reader, id))
    })
  )
})

export const layerWebhooks = HttpApiBuilder.group(
  NxMeshApi,
  "webhooks",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    const { reader } = yield* Database
    return handlers.handleAll({
      list: Effect.fn("webhooks.list")(function* ({ query }) {
        yield* requireAlerting
        const index = yield* reads.appliedIndex
        const within = yield* visibleScopes("alert:read")
        const { items, total } = yield* reads.list("webhook", { ...listQueryOf(query), within })
        return yield* answerPage(query, { items: yield* Effect.forEach(items, webhookView), total }, index)
      }),
      create: Effect.fn("webhooks.create")(function* ({ headers, payload }) {
        yield* requireAlerting
        yield* requirePlaceOf("webhook", payload)
        const id = yield* newId(WebhookId)
        const place = yield* fullPlace(payload)
        const webhook = yield* checked({ ...payload, ...place, id, secret: yield* newSecret(id) })
        const accepted = yield* submit(
          { _tag: "SaveWebhook", mode: "create", if_match: null, webhook },
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "webhooks", payload })
        )
        const issued = yield* issuedView(accepted.value as StoredWebhook)
        return yield* answerCreated(issued, accepted.index, "webhooks")
      }),
      get: withAlerting(
        Effect.fn("webhooks.get")(function* ({
          headers,
          params
        }: {
          readonly params: { readonly id: WebhookId }
          readonly headers: { readonly "if-none-match"?: string }
        }) {
          const index = yield* reads.appliedIndex
          const view = yield* webhookView(yield* existing("webhook", params.id))
          return yield* answerUnlessKnown(view, index, headers["if-none-match"])
        })
      ),
      change: Effect.fn("webhooks.change")(function* ({ headers, params, payload }) {
        yield* requireAlerting
        const accepted = yield* changeResource({
          kind: "webhook",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) => saved(current, payload)
        })
        return yield* answerOne(yield* webhookView(accepted.value as StoredWebhook), accepted.index)
      }),
      replaceSecret: Effect.fn("webhooks.replaceSecret")(function* ({ headers, params }) {
        yield* requireAlerting
        const secret = yield* newSecret(params.id)
        const accepted = yield* changeResource({
          kind: "webhook",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) => saved(current, { secret })
        })
        return yield* answerOne(yield* issuedView(accepted.value as StoredWebhook), accepted.index)
      }),
      remove: Effect.fn("webhooks.remove")(function* ({ headers, params }) {
        yield* requireAlerting
        yield* existing("webhook", params.id, writePermission("webhook"))
        yield* submit({ _tag: "DeleteWebhook", id: params.id, if_match: ifMatchRevision(headers["if-match"]) })
      }),
      test: Effect.fn("webhooks.test")(function* ({ headers, params }) {
        yield* requireAlerting
        yield* existing("webhook", params.id, writePermission("webhook"))
        const delivery_id = yield* newId(DeliveryId)
        const accepted = yield* submit(
          { _tag: "TestWebhook", id: params.id, delivery_id },
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: `webhooks/${params.id}/test`, payload: {} })
        )
        const asked = accepted.value as WebhookDelivery
        return { data: (yield* ended(asked.id)) ?? asked }
      }),
      deliveries: Effect.fn("webhooks.deliveries")(function* ({ params, query }) {
        yield* requireAlerting
        const index = yield* reads.appliedIndex
        yield* existing("webhook", params.id)
        const all = deliveriesOf(reader, params.id)
        const first = (query.page - 1) * query.per_page
        return yield* answerPage(query, { items: all.slice(first, first + query.per_page), total: all.length }, index)
      })
    })
  })
)
