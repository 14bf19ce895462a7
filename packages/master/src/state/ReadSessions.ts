/** The sessions of a person that have not ended. */
import type { IdentityProviderId, SessionId } from "@nxmesh/protocol/Ids"
import type { Timestamp } from "@nxmesh/protocol/model/Text"
import type { Connection } from "./Connection.ts"
import type { ResourceOf } from "./Kinds.ts"
import { clusterVersion } from "./ReadCluster.ts"
import { findResource } from "./Resources.ts"

export interface OpenSession {
  readonly id: SessionId
  readonly created_at: Timestamp
  readonly last_used_at: Timestamp
  readonly expires_at: Timestamp
  readonly remote_address: string
  readonly user_agent: string | null
  readonly identity_provider_id: IdentityProviderId | null
}

interface Row extends Omit<OpenSession, "last_used_at"> {
  readonly rotated_at: number | null
}

/** The newest first. */
export const openSessions = (connection: Connection, userId: string, nowMillis: number): ReadonlyArray<OpenSession> => {
  const later = clusterVersion(connection) >= 4 ? "user_agent, provider_id" : "NULL AS user_agent, NULL AS provider_id"
  return connection
    .all<Row & { readonly provider_id: IdentityProviderId | null }>(
      `SELECT id, created_at, rotated_at, expires_at, remote_address, ${later} FROM sessions
       WHERE user_id = ? AND ended_at IS NULL AND expires_at > ? ORDER BY created_at DESC, id DESC`,
      userId,
      new Date(nowMillis).toISOString()
    )
    .map(({ provider_id, rotated_at, ...session }) => ({
      id: session.id,
      created_at: session.created_at,
      last_used_at: rotated_at === null ? session.created_at : new Date(rotated_at).toISOString(),
      expires_at: session.expires_at,
      remote_address: session.remote_address,
      user_agent: session.user_agent,
      identity_provider_id: provider_id
    }))
}

/** Who may set a password by this token, whether or not it has expired. */
export const userOfPasswordToken = (connection: Connection, tokenHash: string): ResourceOf<"user"> | undefined => {
  if (clusterVersion(connection) < 4) return undefined
  const row = connection.get<{ readonly user_id: string }>(
    "SELECT user_id FROM password_tokens WHERE token_hash = ?",
    tokenHash
  )
  return row === undefined ? undefined : findResource(connection, "user", row.user_id)
}
