/** Invitations and resets: a token for one person, of which only the newest is good, once. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { UserId } from "@nxmesh/protocol/Ids"
import { grantsOfSubject } from "../ReadAccess.ts"
import { requireHoldsAll } from "./Escalation.ts"
import { refuse } from "./Refusal.ts"
import { required, resourceChanged, write } from "./Save.ts"
import { endSessionsOf } from "./Sessions.ts"
import type { Applied, Transaction } from "./Transaction.ts"
import { withoutHash, withPassword } from "./Users.ts"

/** A password that was set makes every link of before useless. */
export const forgetPasswordTokens = ({ connection }: Transaction, userId: UserId): void => {
  connection.run("DELETE FROM password_tokens WHERE user_id = ?", userId)
}

export const createPasswordToken = (tx: Transaction, command: CommandOf<"CreatePasswordToken">): Applied => {
  const user = required(tx, "user", command.user_id)
  // Whoever has the link can become that person.
  requireHoldsAll(tx, grantsOfSubject(tx.connection, { kind: "user", id: user.id }), "the link")
  tx.connection.run("DELETE FROM password_tokens WHERE expires_at <= ?", tx.timestamp)
  forgetPasswordTokens(tx, user.id)
  tx.connection.run(
    "INSERT INTO password_tokens (id, user_id, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
    command.id,
    user.id,
    command.token_hash,
    tx.timestamp,
    command.expires_at
  )
  const token = { id: command.id, user_id: user.id, expires_at: command.expires_at }
  return {
    value: { token, sealed_token: command.sealed_token },
    events: [],
    audit: { kind: "user", id: user.id, before: null, after: { password_link: token } }
  }
}

export const redeemPasswordToken = (tx: Transaction, command: CommandOf<"RedeemPasswordToken">): Applied => {
  const row = tx.connection.get<{ readonly user_id: UserId; readonly expires_at: string }>(
    "SELECT user_id, expires_at FROM password_tokens WHERE token_hash = ?",
    command.token_hash
  )
  if (row === undefined || row.expires_at <= tx.timestamp) {
    return refuse("UNAUTHENTICATED", "this link was used, has expired or was replaced: ask for another one")
  }
  const before = required(tx, "user", row.user_id)
  if (before.disabled) refuse("UNAUTHENTICATED", "this account is disabled")
  const { after } = write(tx, "user", before, withPassword(before, command.password_hash, false))
  forgetPasswordTokens(tx, row.user_id)
  tx.connection.run("DELETE FROM login_failures WHERE email = ?", before.email)
  return {
    value: withoutHash(after),
    events: [resourceChanged("user", after.id, "update"), ...endSessionsOf(tx, after.id, "password changed", null)],
    audit: { kind: "user", id: after.id, before, after }
  }
}
