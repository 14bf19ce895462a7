/**
 * Logins and their rotating refresh tokens (RFC 9700, section 4.14.2). A token that was replaced and comes again was
 * stolen from someone: the whole family ends. Except within seconds of its replacement: then the answer was lost, and
 * the same successor is answered again (design-cluster.md rule 20).
 */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { SessionId, UserId } from "@nxmesh/protocol/Ids"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Duration } from "effect"
import { Limits } from "../../Limits.ts"
import { findResource, findResourceBy } from "../Resources.ts"
import { refuse } from "./Refusal.ts"
import { type Applied, timestampOf, type Transaction } from "./Transaction.ts"

interface SessionRow {
  readonly id: SessionId
  readonly user_id: UserId
  readonly refresh_hash: string
  readonly sealed_refresh: string | null
  readonly rotated_at: number | null
  readonly expires_at: string
  readonly ended_at: string | null
}

const sessionRow = ({ connection }: Transaction, id: SessionId): SessionRow | undefined =>
  connection.get<SessionRow>(
    "SELECT id, user_id, refresh_hash, sealed_refresh, rotated_at, expires_at, ended_at FROM sessions WHERE id = ?",
    id
  )

const end = (tx: Transaction, id: SessionId, reason: string): Event => {
  tx.connection.run("UPDATE sessions SET ended_at = ?, end_reason = ? WHERE id = ?", tx.timestamp, reason, id)
  tx.connection.run("DELETE FROM replaced_refresh_hashes WHERE session_id = ?", id)
  return { _tag: "SessionEnded", session_id: id }
}

/** Ends every open session of the user but `keep`. */
export const endSessionsOf = (
  tx: Transaction,
  userId: UserId,
  reason: string,
  keep: SessionId | null
): ReadonlyArray<Event> =>
  tx.connection
    .all<{ readonly id: SessionId }>(
      "SELECT id FROM sessions WHERE user_id = ? AND ended_at IS NULL AND id <> ? ORDER BY id",
      userId,
      keep ?? ""
    )
    .map(({ id }) => end(tx, id, reason))

export const endEverySession = (tx: Transaction, reason: string): ReadonlyArray<Event> =>
  tx.connection
    .all<{ readonly id: SessionId }>("SELECT id FROM sessions WHERE ended_at IS NULL ORDER BY id")
    .map(({ id }) => end(tx, id, reason))

/** Sessions past their time are forgotten: nothing that could still be presented belongs to them. */
const forgetExpired = ({ connection, timestamp }: Transaction): void => {
  connection.run(
    "DELETE FROM replaced_refresh_hashes WHERE session_id IN (SELECT id FROM sessions WHERE expires_at <= ?)",
    timestamp
  )
  connection.run("DELETE FROM sessions WHERE expires_at <= ?", timestamp)
}

export const startSession = (tx: Transaction, command: CommandOf<"StartSession">): Applied => {
  const user = findResource(tx.connection, "user", command.user_id)
  if (user === undefined || user.disabled)
    return refuse("UNAUTHENTICATED", "this account does not exist or is disabled")
  if (sessionRow(tx, command.id) !== undefined) return refuse("CONFLICT", "this session exists already")
  forgetExpired(tx)
  const open = tx.connection.all<{ readonly id: SessionId }>(
    "SELECT id FROM sessions WHERE user_id = ? AND ended_at IS NULL ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?",
    user.id,
    Limits.state.sessionsPerUserMax - 1
  )
  const crowdedOut = open.map(({ id }) => end(tx, id, "too many sessions"))
  tx.connection.run(
    `INSERT INTO sessions (id, user_id, refresh_hash, created_at, expires_at, remote_address) VALUES (?, ?, ?, ?, ?, ?)`,
    command.id,
    user.id,
    command.refresh_hash,
    tx.timestamp,
    command.expires_at,
    command.remote_address
  )
  if (command.user_agent !== undefined) {
    tx.connection.run("UPDATE sessions SET user_agent = ? WHERE id = ?", command.user_agent, command.id)
  }
  tx.connection.run("DELETE FROM login_failures WHERE email = ?", user.email)
  return {
    value: { session_id: command.id, user_id: user.id, expires_at: command.expires_at },
    events: crowdedOut,
    audit: {
      kind: "session",
      id: command.id,
      before: null,
      after: { user_id: user.id, expires_at: command.expires_at }
    }
  }
}

const rotated = (session: SessionRow, sealedNext: SealedSecret, expiresAt: string) => ({
  session_id: session.id,
  user_id: session.user_id,
  sealed_next: sealedNext,
  expires_at: expiresAt
})

export const rotateSession = (tx: Transaction, command: CommandOf<"RotateSession">): Applied => {
  const session = sessionRow(tx, command.id)
  if (session === undefined || session.ended_at !== null || session.expires_at <= tx.timestamp) {
    return refuse("UNAUTHENTICATED", "this session has ended: log in again")
  }
  const user = findResource(tx.connection, "user", session.user_id)
  if (user === undefined || user.disabled)
    return refuse("UNAUTHENTICATED", "this account does not exist or is disabled")
  if (session.refresh_hash === command.refresh_hash) {
    replaceToken(tx, session, command)
    return { value: rotated(session, command.sealed_next, command.expires_at), events: [], audit: null }
  }
  const replaced = tx.connection.get<{ readonly entry: number }>(
    "SELECT entry FROM replaced_refresh_hashes WHERE session_id = ? AND hash = ?",
    session.id,
    command.refresh_hash
  )
  if (replaced === undefined) return refuse("UNAUTHENTICATED", "this refresh token is not valid")
  return answerReplaced(tx, session, command.refresh_hash)
}

const replaceToken = (tx: Transaction, session: SessionRow, command: CommandOf<"RotateSession">): void => {
  const { connection } = tx
  connection.run(
    "INSERT OR REPLACE INTO replaced_refresh_hashes (session_id, hash, entry) VALUES (?, ?, ?)",
    session.id,
    session.refresh_hash,
    tx.index
  )
  connection.run(
    `DELETE FROM replaced_refresh_hashes WHERE session_id = ? AND hash IN (SELECT hash FROM replaced_refresh_hashes
       WHERE session_id = ? ORDER BY entry DESC LIMIT -1 OFFSET ?)`,
    session.id,
    session.id,
    Limits.state.replacedTokensPerSessionMax
  )
  connection.run(
    "UPDATE sessions SET refresh_hash = ?, sealed_refresh = ?, rotated_at = ?, expires_at = ? WHERE id = ?",
    command.next_refresh_hash,
    JSON.stringify(command.sealed_next),
    tx.atMillis,
    command.expires_at,
    session.id
  )
}

/** The token before the present one, within the time that a lost answer takes to be retried, gets its successor again. */
const answerReplaced = (tx: Transaction, session: SessionRow, hash: string): Applied => {
  const previous = tx.connection.get<{ readonly hash: string }>(
    "SELECT hash FROM replaced_refresh_hashes WHERE session_id = ? ORDER BY entry DESC LIMIT 1",
    session.id
  )
  const graceful =
    previous?.hash === hash &&
    session.rotated_at !== null &&
    tx.atMillis - session.rotated_at <= Duration.toMillis(Limits.state.refreshRetryWindow)
  if (graceful && session.sealed_refresh !== null) {
    const sealedNext = JSON.parse(session.sealed_refresh) as SealedSecret
    return { value: rotated(session, sealedNext, session.expires_at), events: [], audit: null }
  }
  return {
    value: null,
    events: [end(tx, session.id, "refresh token reused")],
    audit: {
      kind: "session",
      id: session.id,
      before: { user_id: session.user_id },
      after: { ended: "refresh token reused" }
    },
    rejection: {
      code: "UNAUTHENTICATED",
      message: "this refresh token was used before: the session has ended, log in again",
      details: []
    }
  }
}

/** Ending what has ended is no error: a logout may be retried. */
export const endSession = (tx: Transaction, command: CommandOf<"EndSession">): Applied => {
  const session = sessionRow(tx, command.id)
  if (session === undefined || session.ended_at !== null) return { value: null, events: [], audit: null }
  return {
    value: null,
    events: [end(tx, command.id, "logout")],
    audit: { kind: "session", id: command.id, before: { user_id: session.user_id }, after: { ended: "logout" } }
  }
}

/** One of the user's sessions, or all but one. Those that have ended are no error. */
export const endSessions = (tx: Transaction, command: CommandOf<"EndSessions">): Applied => {
  const { keep, session_id, user_id } = command
  const session = session_id === null ? undefined : sessionRow(tx, session_id)
  const isOpen = session !== undefined && session.user_id === user_id && session.ended_at === null
  const one = isOpen ? [end(tx, session.id, "revoked")] : []
  const events = session_id === null ? endSessionsOf(tx, user_id, "revoked", keep) : one
  if (events.length === 0) return { value: null, events, audit: null }
  const ended = events.map((event) => (event._tag === "SessionEnded" ? event.session_id : ""))
  return { value: null, events, audit: { kind: "user", id: user_id, before: null, after: { sessions_ended: ended } } }
}

export const recordLoginFailure = (tx: Transaction, command: CommandOf<"RecordLoginFailure">): Applied => {
  const { connection } = tx
  connection.run(
    "DELETE FROM login_failures WHERE last_failed_at <= ?",
    timestampOf(tx.atMillis - Duration.toMillis(Limits.state.loginFailuresKept))
  )
  connection.run(
    `INSERT INTO login_failures (email, remote_address, failures, last_failed_at, entry) VALUES (?, ?, 1, ?, ?)
     ON CONFLICT (email, remote_address) DO UPDATE SET failures = failures + 1, last_failed_at = excluded.last_failed_at,
       entry = excluded.entry`,
    command.email,
    command.remote_address,
    tx.timestamp,
    tx.index
  )
  connection.run(
    `DELETE FROM login_failures WHERE entry < (SELECT entry FROM login_failures ORDER BY entry DESC LIMIT 1 OFFSET ?)`,
    Limits.state.loginFailuresMax - 1
  )
  const user = findResourceBy(connection, "user", { email: command.email })
  return {
    value: null,
    events: [],
    audit: {
      kind: "user",
      id: user?.id ?? command.email,
      before: null,
      after: { login_failed: command.email, remote_address: command.remote_address }
    }
  }
}
