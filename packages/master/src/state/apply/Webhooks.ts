/** Where alerts are delivered. Answers hold the secret sealed: the API opens it once, for who made the webhook. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { webhookProblems } from "@nxmesh/protocol/model/Webhook"
import { waitingDeliveries } from "../ReadAlerting.ts"
import { addDelivery, forgetDeliveries } from "./AlertDeliveries.ts"
import { Limits } from "../../Limits.ts"
import { placedChanged, requirePlace, requireRoom } from "./Placed.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import { erase, replaced, required, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const saveWebhook = (tx: Transaction, command: CommandOf<"SaveWebhook">): Applied => {
  const { mode, webhook } = command
  const before = replaced(tx, "webhook", webhook.id, command)
  requirePlace(tx, webhook, before)
  if (before === undefined) requireRoom(tx, "webhook")
  const problems = webhookProblems(webhook)
  if (problems.length > 0) refuseFields(problems)
  const { after, changed } = write(tx, "webhook", before, webhook)
  return {
    value: after,
    events: changed ? [placedChanged("webhook", after.id, mode, after)] : [],
    audit: { kind: "webhook", id: after.id, before: before ?? null, after }
  }
}

export const deleteWebhook = (tx: Transaction, { id, if_match }: CommandOf<"DeleteWebhook">): Applied => {
  const before = required(tx, "webhook", id, if_match)
  forgetDeliveries(tx.connection, id)
  erase(tx, "webhook", id)
  return {
    value: null,
    events: [placedChanged("webhook", id, "delete", before)],
    audit: { kind: "webhook", id, before, after: null }
  }
}

/** A message that somebody asks for, to see whether it arrives. */
export const testWebhook = (tx: Transaction, { delivery_id, id }: CommandOf<"TestWebhook">): Applied => {
  const webhook = required(tx, "webhook", id)
  if ((waitingDeliveries(tx.connection).get(id) ?? 0) >= Limits.alerting.deliveriesWaitingMax) {
    refuse(
      "CONFLICT",
      `${Limits.alerting.deliveriesWaitingMax} messages to this webhook wait already: see its deliveries`
    )
  }
  const delivery = addDelivery(tx, webhook, { id: delivery_id, kind: "test", alerts: [] })
  return {
    value: delivery,
    events: [placedChanged("webhook", id, "update", webhook)],
    audit: { kind: "webhook", id, before: null, after: { test: delivery_id } }
  }
}
