import { assert, describe, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Warnings } from "@nxmesh/master/cluster/Warnings"
import { Settings, type SettingsShape } from "@nxmesh/master/Settings"
import { DataDirectory } from "@nxmesh/master/state/DataDirectory"
import { columnsOf } from "@nxmesh/master/telemetry/accessLogs/AccessLogTable"
import { layerPostgresTelemetry } from "@nxmesh/master/telemetry/postgres/PostgresTelemetry"
import { TelemetrySql } from "@nxmesh/master/telemetry/TelemetrySql"
import { TelemetryStore } from "@nxmesh/master/telemetry/TelemetryStore"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { Duration, Effect, Layer, Redacted } from "effect"
import { tmpdir } from "node:os"
import {
  agents,
  beginMillis,
  randomLogLine,
  type RandomLine
} from "../../../packages/master/test/telemetry/accessLogs/RandomLines.ts"
import {
  expectAggregates,
  expectPages,
  type Run
} from "../../../packages/master/test/telemetry/accessLogs/SqlAgainstPredicate.ts"
import { startPostgres } from "../../support/Postgres.ts"

const layerAround = Layer.mergeAll(
  Warnings.layer,
  Metrics.layer,
  Identifiers.layer,
  Layer.succeed(DataDirectory, { path: tmpdir() }),
  Layer.succeed(Settings, {
    // The lines are of a fixed day.
    telemetryKept: Duration.days(36_500),
    telemetryMegabytesMax: 64
  } as SettingsShape)
)

describe("Access logs in PostgreSQL", () => {
  it.live(
    "are exactly the lines that the predicate takes, and their sums",
    () =>
      Effect.gen(function* () {
        const { url } = yield* startPostgres
        yield* Effect.gen(function* () {
          const store = yield* TelemetryStore
          const { query } = yield* TelemetrySql
          const random = new SeededRandom(7)
          const lines: Array<RandomLine> = []
          for (const agentId of agents) {
            const told = Array.from({ length: 100 }, () => {
              const atMillis = beginMillis + random.between(0, 40) * 1_000
              return { ...randomLogLine(random), timestamp: new Date(atMillis).toISOString() }
            })
            lines.push(
              ...told.map((line) => ({ agentId, atMillis: Date.parse(line.timestamp), columns: columnsOf(line) }))
            )
            yield* store.take(agentId, {
              outbox_id: `outbox of ${agentId}`,
              dropped: 0,
              entries: [{ sequence: 1, kind: "logs", report: JSON.stringify({ lines: told, dropped: 0 }) }]
            })
          }
          const run: Run = ({ parameters, text }) =>
            Effect.runPromise(query(text, parameters, { rowsMax: 10_000, timeoutMillis: 10_000 }))
          let found = 0
          for (let round = 0; round < 25; round++) {
            found += yield* Effect.promise(() => expectPages(run, "postgres", lines, random))
            yield* Effect.promise(() => expectAggregates(run, "postgres", lines, random))
          }
          assert.isAbove(found, 100)
        }).pipe(
          Effect.provide(Layer.fresh(layerPostgresTelemetry(Redacted.make(url))).pipe(Layer.provide(layerAround)))
        )
      }),
    60_000
  )
})
