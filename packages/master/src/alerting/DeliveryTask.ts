/**
 * The leader's task that sends what is written (design-cluster.md 8): a message is in the log before it is sent, and how that
 * ended after it. Who leads next sends again what nobody knows to be accepted, under the same id.
 */
import { Clock, Effect, Redacted, Schedule } from "effect"
import type { WebhookId } from "@nxmesh/protocol/Ids"
import type { StoredWebhook } from "@nxmesh/protocol/model/Webhook"
import { isTransient } from "../command/CommandError.ts"
import { type Leadership, leaderTask } from "../cluster/LeaderTasks.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Settings } from "../Settings.ts"
import { Database } from "../state/Database.ts"
import { type DueDelivery, dueDeliveries, waitingDeliveries } from "../state/ReadAlerting.ts"
import { findResource } from "../state/Resources.ts"
import { makeAddressPolicy } from "./AddressPolicy.ts"
import { alertMetrics } from "./AlertMetrics.ts"
import { alertingPrincipal } from "./AlertTask.ts"
import { type Attempt, attemptOf } from "./Attempts.ts"
import { type AddressPolicy, sendWebhook, type SendResult } from "./SendWebhook.ts"

const { alerting } = Limits

/** How an attempt ended is written again and again while there is no room in the log: or the message would be sent again. */
const recordRetry = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered
)

const send = Effect.fnUntraced(function* (
  webhook: StoredWebhook,
  { delivery, message }: DueDelivery,
  mayCall: AddressPolicy
) {
  const opened = yield* Effect.result((yield* Secrets).open(webhook.secret, sealedPlaces.webhook(webhook.id)))
  if (opened._tag === "Failure") {
    const problem = `its secret cannot be opened, so give it a new one: ${opened.failure.message}`
    const result: SendResult = { accepted: false, status: null, problem }
    return result
  }
  const secret = Redacted.value(opened.success)
  return yield* sendWebhook({ url: webhook.url, id: delivery.id, body: JSON.stringify(message), secret }, mayCall)
})

/** One after the other to one webhook; a test goes also to one that is off. */
const sendAll = Effect.fnUntraced(function* (
  webhookId: WebhookId,
  due: ReadonlyArray<DueDelivery>,
  mayCall: AddressPolicy
) {
  const { reader } = yield* Database
  const attempts: Array<Attempt> = []
  for (const one of due) {
    const webhook = findResource(reader, "webhook", webhookId)
    if (webhook === undefined) break
    const result = yield* send(webhook, one, mayCall)
    attempts.push(attemptOf(one.delivery, result, yield* Clock.currentTimeMillis))
    // The others of the endpoint would most likely end the same, and each takes its time.
    if (!result.accepted) break
  }
  return attempts
})

export const deliverMessages = Effect.fnUntraced(function* (leadership: Leadership) {
  const { reader } = yield* Database
  const metrics = yield* alertMetrics
  const { webhookNetworks } = yield* Settings
  const mayCall = makeAddressPolicy(webhookNetworks)
  yield* Effect.addFinalizer(() => Effect.sync(() => metrics.waiting.set(0)))

  const record = (attempts: ReadonlyArray<Attempt>) =>
    leadership
      .submit({ principal: alertingPrincipal, command: { _tag: "RecordDeliveries", attempts } })
      .pipe(
        Effect.retry({ schedule: recordRetry, while: (error) => error._tag === "CommandError" && isTransient(error) })
      )

  const once = Effect.gen(function* () {
    const now = new Date(yield* Clock.currentTimeMillis).toISOString()
    const due = Map.groupBy(dueDeliveries(reader, now), ({ delivery }) => delivery.webhook_id)
    yield* Effect.forEach(
      due,
      ([webhookId, deliveries]) =>
        Effect.flatMap(sendAll(webhookId, deliveries, mayCall), (attempts) => {
          for (const { status } of attempts) metrics.attempts.inc({ result: status === "pending" ? "retried" : status })
          return attempts.length === 0 ? Effect.void : Effect.asVoid(record(attempts))
        }),
      { concurrency: alerting.deliveriesConcurrentMax, discard: true }
    )
    const waiting = waitingDeliveries(reader).values()
    metrics.waiting.set(waiting.reduce((sum, count) => sum + count, 0))
  })
  yield* Effect.repeat(once, Schedule.spaced(alerting.deliveryInterval))
})

export const layerDeliveryTask = leaderTask({ name: "alert-delivery", run: deliverMessages })
