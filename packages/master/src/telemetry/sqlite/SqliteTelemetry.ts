/** The store in a file of its own in the data directory, written by a thread of its own and read by others. */
import { Worker } from "node:worker_threads"
import { Context, Effect, Layer } from "effect"
import { join } from "node:path"
import { DataDirectory } from "../../state/DataDirectory.ts"
import { retentionBounds } from "../RetentionSettings.ts"
import { TelemetryQueryFailed, TelemetrySql } from "../TelemetrySql.ts"
import { TelemetryStore } from "../TelemetryStore.ts"
import { makeThreadTelemetry } from "../ThreadTelemetry.ts"
import { SqliteReaders } from "./SqliteReaders.ts"

const makeSql = (file: string) =>
  Effect.gen(function* () {
    const readers = yield* Effect.acquireRelease(
      Effect.sync(() => new SqliteReaders(file)),
      (all) => Effect.promise(() => all.close())
    )
    return TelemetrySql.of({
      dialect: "sqlite",
      query: Effect.fn("TelemetrySql.query")((sql, parameters, { rowsMax, timeoutMillis }) =>
        Effect.tryPromise({
          try: (signal) => readers.ask({ sql, parameters, rowsMax }, signal),
          catch: (cause) =>
            cause instanceof TelemetryQueryFailed
              ? cause
              : new TelemetryQueryFailed({ reason: "Unavailable", message: String(cause) })
        }).pipe(
          Effect.timeoutOrElse({
            duration: timeoutMillis,
            orElse: () =>
              Effect.fail(
                new TelemetryQueryFailed({
                  reason: "TimedOut",
                  message: `the question takes longer than ${timeoutMillis} ms: ask for less`
                })
              )
          })
        )
      )
    })
  })

export const layerSqliteTelemetry = Layer.effectContext(
  Effect.gen(function* () {
    const { path } = yield* DataDirectory
    const file = join(path, "telemetry.db")
    const makeWorker = () => new Worker(new URL("./SqliteWorker.ts", import.meta.url), { workerData: file })
    const store = yield* makeThreadTelemetry(makeWorker, yield* retentionBounds("sqlite"))
    return Context.make(TelemetryStore, store).pipe(Context.add(TelemetrySql, yield* makeSql(file)))
  })
)
