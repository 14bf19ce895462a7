/** Connections to the Postgres of `DATABASE_URL`, bounded in number and in time. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Redacted, Result } from "effect"
import { Reactivity } from "effect/reactivity"
import { isSqlError } from "effect/sql/SqlError"
import { Limits } from "../../Limits.ts"

const { telemetry: limits } = Limits

/** Everything of NxMesh's is in a schema of its own: the database may have other uses. */
export const schemaName = "nxmesh"

/** Integers of 64 bits as numbers: times, sums and counts here stay far below 2^53. */
const integers: PgTypes.Codec<number | bigint> = {
  encode: (value) => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigInt64(0, BigInt(value))
    return Result.succeed(bytes)
  },
  decode: (bytes) => Result.succeed(Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0)))
}

export const types = PgTypes.makeRegistry()
types.register(PgTypes.OID.int8, integers, { arrayOid: PgTypes.OID.int8Array })

export interface PostgresOptions {
  readonly url: string
  readonly connectionsMax: number
  readonly isReadOnly: boolean
}

/** Connects when it is asked first, and again after the server was away. */
export const makePostgres = ({ connectionsMax, isReadOnly, url }: PostgresOptions) =>
  PgClient.make({
    url: Redacted.make(url),
    applicationName: isReadOnly ? "nxmesh: questions" : "nxmesh: telemetry",
    maxConnections: connectionsMax,
    minConnections: 0,
    idleTimeout: "1 minute",
    connectTimeout: limits.postgresConnectTimeout,
    types,
    startupParameters: {
      search_path: schemaName,
      statement_timeout: String(limits.postgresStatementMillis),
      lock_timeout: String(limits.postgresLockMillis),
      idle_in_transaction_session_timeout: String(2 * limits.postgresStatementMillis),
      default_transaction_read_only: isReadOnly ? "on" : "off",
      ...(isReadOnly ? {} : { synchronous_commit: "on" })
    }
  }).pipe(Effect.provide(Reactivity.layer))

/** Host and port, for a message: the rest of the URL is secret. */
const placeOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : "its host")

const causeText = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const code = "code" in cause && typeof cause.code === "string" ? `${cause.code} ` : ""
  return cause.cause instanceof Error ? causeText(cause.cause) : `${code}${cause.message}`
}

/** What an operator should know and do. Never the password. */
export const postgresFailure = (failure: unknown, url: string): string => {
  const where = placeOf(url)
  if (!isSqlError(failure)) return `Postgres at ${where}: ${causeText(failure)}`
  switch (failure.reason._tag) {
    case "AuthenticationError":
      return `Postgres at ${where} refuses the user or the password: mend database_url (DATABASE_URL)`
    case "AuthorizationError":
      return `Postgres at ${where} does not allow it: its user must own the database, or the schema ${schemaName} (${causeText(failure.reason.cause)})`
    case "ConnectionError":
      return `Postgres at ${where} cannot be reached: is it up, and is database_url (DATABASE_URL) right? (${causeText(failure.reason.cause)})`
    default:
      return `Postgres at ${where}: ${causeText(failure.reason.cause)}`
  }
}
