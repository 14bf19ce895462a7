/**
 * A secret's text is given away once, in the answer to the command that made it, and again to whoever repeats that request
 * under its key. The first is in the audit as the command; the second is an access of its own.
 */
import type { Command, CommandTag, Outcome } from "@nxmesh/protocol/Command"
import { clusterVersion } from "../ReadCluster.ts"
import { recordAudit } from "./Audit.ts"
import { commandTarget } from "./CommandTarget.ts"
import type { Transaction } from "./Transaction.ts"

/** Commands whose remembered outcome holds a sealed text that the API opens for the one who asks. */
export const givesSecret: ReadonlySet<CommandTag> = new Set<CommandTag>([
  "CreateEnrolmentToken",
  "CreateJoinToken",
  "CreateApiKey",
  "CreatePasswordToken",
  "SaveWebhook"
])

const idIn = (value: unknown): string | undefined => {
  const id = (value as { readonly id?: unknown } | null | undefined)?.id
  return typeof id === "string" ? id : undefined
}

/** What was made the first time: a repeated request brings an id of its own. */
const firstId = (value: unknown): string | undefined => {
  const made = value as { readonly token?: unknown; readonly api_key?: unknown } | null
  return idIn(made?.token) ?? idIn(made?.api_key) ?? idIn(made)
}

export const recordReplay = (tx: Transaction, command: Command, outcome: Outcome): void => {
  if (outcome._tag !== "Accepted" || !givesSecret.has(command._tag) || clusterVersion(tx.connection) < 4) return
  const target = commandTarget(command)
  if (target === null) return
  const subject = { ...target, id: firstId(outcome.value) ?? target.id, before: null, after: null }
  recordAudit(tx, command, subject, "replayed")
}
