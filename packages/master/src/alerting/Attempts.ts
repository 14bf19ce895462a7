/** What follows from an attempt to deliver a message. Pure. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { WebhookDelivery } from "@nxmesh/protocol/model/Webhook"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import type { SendResult } from "./SendWebhook.ts"

const { alerting } = Limits

export type Attempt = CommandOf<"RecordDeliveries">["attempts"][number]

/** RFC 9110: the endpoint is gone for good, and says so. */
const goneStatus = 410

/** Doubled with each attempt, up to a bound. */
const waitMillis = (attempts: number): number =>
  Math.min(Duration.toMillis(alerting.retryMax), Duration.toMillis(alerting.retryFirst) * 2 ** Math.min(attempts, 30))

const text = (millis: number): string => new Date(millis).toISOString()

/** A test is tried once: somebody waits for how it ends. */
export const attemptOf = (delivery: WebhookDelivery, result: SendResult, nowMillis: number): Attempt => {
  const { accepted, problem, status: http_status } = result
  const ended = { id: delivery.id, at: text(nowMillis), http_status, error: problem, next_attempt_at: null }
  if (accepted) return { ...ended, status: "delivered" }
  const next = nowMillis + waitMillis(delivery.attempts)
  const isTooOld = next - Date.parse(delivery.created_at) > Duration.toMillis(alerting.deliveryAge)
  if (delivery.kind === "test" || http_status === goneStatus || isTooOld) return { ...ended, status: "failed" }
  return { ...ended, status: "pending", next_attempt_at: text(next) }
}
