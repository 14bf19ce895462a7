/** Exactly once, from the edge (rule 7): a request repeated under its key gets the outcome of the first one. */
import type { Idempotency, Outcome } from "@nxmesh/protocol/Command"
import { principalName } from "@nxmesh/protocol/Principal"
import { Duration } from "effect"
import { Limits } from "../../Limits.ts"
import { refuse } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

/** The outcome of the first request under the key. Refuses the key with another body. */
export const rememberedOutcome = (tx: Transaction, idempotency: Idempotency): Outcome | undefined => {
  const row = tx.connection.get<{ readonly body_hash: string; readonly outcome: string }>(
    "SELECT body_hash, outcome FROM idempotency WHERE principal = ? AND key = ? AND expires_at_millis > ?",
    principalName(tx.principal),
    idempotency.key,
    tx.atMillis
  )
  if (row === undefined) return undefined
  if (row.body_hash !== idempotency.body_hash) {
    refuse("IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key was used with another request: use a new key")
  }
  const outcome = JSON.parse(row.outcome) as Outcome
  return outcome._tag === "Accepted" ? { ...outcome, replayed: true } : outcome
}

/** Keeps the outcome, and forgets those whose time is over by the log's clock. */
export const rememberOutcome = (tx: Transaction, idempotency: Idempotency, outcome: Outcome): void => {
  tx.connection.run("DELETE FROM idempotency WHERE expires_at_millis <= ?", tx.atMillis)
  tx.connection.run(
    "INSERT OR REPLACE INTO idempotency (principal, key, body_hash, outcome, expires_at_millis) VALUES (?, ?, ?, ?, ?)",
    principalName(tx.principal),
    idempotency.key,
    idempotency.body_hash,
    JSON.stringify(outcome),
    tx.atMillis + Duration.toMillis(Limits.state.idempotencyKept)
  )
}
