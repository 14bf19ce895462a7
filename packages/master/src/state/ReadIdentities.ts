/** Who is who: sessions of people, tokens and keys of agents, the keys of the cluster. Secrets only sealed or hashed. */
import type { ClusterId, KeyId, SessionId, UserId } from "@nxmesh/protocol/Ids"
import type { EnrolmentToken } from "@nxmesh/protocol/model/Agent"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import type { Timestamp } from "@nxmesh/protocol/model/Text"
import type { Connection } from "./Connection.ts"

export interface StoredSession {
  readonly id: SessionId
  readonly user_id: UserId
  readonly created_at: Timestamp
  readonly expires_at: Timestamp
  readonly remote_address: string
  readonly ended_at: Timestamp | null
  readonly end_reason: string | null
}

export const session = (connection: Connection, id: string): StoredSession | undefined =>
  connection.get<StoredSession>(
    "SELECT id, user_id, created_at, expires_at, remote_address, ended_at, end_reason FROM sessions WHERE id = ?",
    id
  )

export interface LoginFailures {
  readonly remote_address: string
  /** Since the last login that succeeded. */
  readonly failures: number
  readonly last_failed_at: Timestamp
}

export const loginFailures = (connection: Connection, email: string): ReadonlyArray<LoginFailures> =>
  connection.all<LoginFailures>(
    "SELECT remote_address, failures, last_failed_at FROM login_failures WHERE email = ? ORDER BY remote_address",
    email
  )

const tokenColumns = "id, agent_id, created_at, expires_at, used_at"

export const enrolmentToken = (
  connection: Connection,
  column: "id" | "token_hash",
  value: string
): EnrolmentToken | undefined =>
  connection.get<EnrolmentToken>(`SELECT ${tokenColumns} FROM enrolment_tokens WHERE ${column} = ?`, value)

export const enrolmentTokens = (connection: Connection, agentId: string): ReadonlyArray<EnrolmentToken> =>
  connection.all<EnrolmentToken>(
    `SELECT ${tokenColumns} FROM enrolment_tokens WHERE agent_id = ? ORDER BY created_at DESC, id DESC`,
    agentId
  )

interface SessionKey {
  readonly key_id: KeyId
  readonly key: SealedSecret
}

export interface AgentKeys {
  /** Ed25519, SPKI in base64. */
  readonly public_key: string
  readonly primary: SessionKey
  /** The key before the last rotation, still valid. */
  readonly secondary: SessionKey | null
}

const sealed = (text: string): SealedSecret => JSON.parse(text) as SealedSecret

export const agentKeys = (connection: Connection, agentId: string): AgentKeys | undefined => {
  const row = connection.get<{
    readonly public_key: string
    readonly primary_id: KeyId
    readonly primary_key: string
    readonly secondary_id: KeyId | null
    readonly secondary_key: string | null
  }>(
    "SELECT public_key, primary_id, primary_key, secondary_id, secondary_key FROM agent_keys WHERE agent_id = ?",
    agentId
  )
  if (row === undefined) return undefined
  const { primary_id, primary_key, public_key, secondary_id, secondary_key } = row
  return {
    public_key,
    primary: { key_id: primary_id, key: sealed(primary_key) },
    secondary:
      secondary_id === null || secondary_key === null ? null : { key_id: secondary_id, key: sealed(secondary_key) }
  }
}

export interface StoredCluster {
  readonly cluster_id: ClusterId
  readonly ca_certificate_pem: string
  readonly ca_private_key: SealedSecret
  /** The newest first: it signs; the others still verify. */
  readonly signing_keys: ReadonlyArray<{
    readonly key_id: string
    readonly public_jwk: unknown
    readonly private_jwk: SealedSecret
    /** From when on it signs. */
    readonly created_at: Timestamp
  }>
}

/** The newest first. */
export const signingKeys = (connection: Connection): StoredCluster["signing_keys"] =>
  connection
    .all<{
      readonly key_id: string
      readonly public_jwk: string
      readonly private_jwk: string
      readonly created_at: Timestamp
    }>("SELECT key_id, public_jwk, private_jwk, created_at FROM signing_keys ORDER BY created_at DESC, key_id")
    .map(({ created_at, key_id, private_jwk, public_jwk }) => ({
      key_id,
      public_jwk: JSON.parse(public_jwk) as unknown,
      private_jwk: sealed(private_jwk),
      created_at
    }))

export const cluster = (connection: Connection): StoredCluster | undefined => {
  const row = connection.get<{
    readonly cluster_id: ClusterId
    readonly ca_certificate_pem: string
    readonly ca_private_key: string
  }>("SELECT cluster_id, ca_certificate_pem, ca_private_key FROM cluster")
  if (row === undefined) return undefined
  return {
    cluster_id: row.cluster_id,
    ca_certificate_pem: row.ca_certificate_pem,
    ca_private_key: sealed(row.ca_private_key),
    signing_keys: signingKeys(connection)
  }
}
