/** The store in the Postgres of `DATABASE_URL`, which all masters share: written by a thread, read over connections that cannot write. */
import { Worker } from "node:worker_threads"
import { Context, Effect, Layer, Redacted } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { Limits } from "../../Limits.ts"
import { retentionBounds } from "../RetentionSettings.ts"
import { numberedParameters, type SqlRow, TelemetryQueryFailed, TelemetrySql } from "../TelemetrySql.ts"
import { TelemetryStore } from "../TelemetryStore.ts"
import { makeThreadTelemetry } from "../ThreadTelemetry.ts"
import { makePostgres, postgresFailure } from "./PostgresClient.ts"

const ofConnection = new Set(["ConnectionError", "AuthenticationError", "AuthorizationError"])

const timedOut = (timeoutMillis: number) =>
  new TelemetryQueryFailed({
    reason: "TimedOut",
    message: `the question takes longer than ${timeoutMillis} ms: ask for less`
  })

const failureOf = (failure: SqlError, url: string, timeoutMillis: number): TelemetryQueryFailed => {
  if (failure.reason._tag === "StatementTimeoutError") return timedOut(timeoutMillis)
  const reason = ofConnection.has(failure.reason._tag) ? "Unavailable" : "Refused"
  return new TelemetryQueryFailed({ reason, message: postgresFailure(failure, url) })
}

const makeSql = (url: string) =>
  Effect.gen(function* () {
    const sql = yield* makePostgres({ url, connectionsMax: Limits.telemetry.postgresReadersMax, isReadOnly: true })
    return TelemetrySql.of({
      dialect: "postgres",
      query: Effect.fn("TelemetrySql.query")(function* (statement, parameters, { rowsMax, timeoutMillis }) {
        const query = Effect.gen(function* () {
          yield* sql.unsafe(`SET LOCAL statement_timeout = ${Math.max(1, Math.floor(timeoutMillis))}`)
          return yield* sql.unsafe<SqlRow>(numberedParameters(statement), parameters)
        })
        const rows = yield* sql.withTransaction(query).pipe(
          Effect.mapError((failure) => failureOf(failure, url, timeoutMillis)),
          // For a server that does not answer at all.
          Effect.timeoutOrElse({
            duration: timeoutMillis + 1_000,
            orElse: () => Effect.fail(timedOut(timeoutMillis))
          }),
          Effect.catchDefect((defect) =>
            Effect.fail(
              new TelemetryQueryFailed({
                reason: "Refused",
                message: isSqlError(defect) ? postgresFailure(defect, url) : String(defect)
              })
            )
          )
        )
        return rows.slice(0, rowsMax)
      })
    })
  })

export const layerPostgresTelemetry = (databaseUrl: Redacted.Redacted) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const url = Redacted.value(databaseUrl)
      const makeWorker = () => new Worker(new URL("./PostgresWorker.ts", import.meta.url), { workerData: url })
      const store = yield* makeThreadTelemetry(makeWorker, yield* retentionBounds("postgres"))
      return Context.make(TelemetryStore, store).pipe(Context.add(TelemetrySql, yield* makeSql(url)))
    })
  )
