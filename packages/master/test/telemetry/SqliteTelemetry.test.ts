import { assert, describe, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { AgentId } from "@nxmesh/protocol/Ids"
import { Context, Duration, Effect, Layer } from "effect"
import { appendFileSync, existsSync, mkdirSync, rmSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { temporaryDirectory } from "../../../../test/support/Fleet.ts"
import { until } from "../../../../test/support/Wait.ts"
import { DatabaseSync } from "node:sqlite"
import { Warnings } from "../../src/cluster/Warnings.ts"
import { Settings, type SettingsShape } from "../../src/Settings.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { layerSqliteTelemetry } from "../../src/telemetry/sqlite/SqliteTelemetry.ts"
import { SqliteDatabase } from "../../src/telemetry/sqlite/SqliteDatabase.ts"
import { TelemetrySql } from "../../src/telemetry/TelemetrySql.ts"
import { TelemetryStore } from "../../src/telemetry/TelemetryStore.ts"
import { tables } from "../../src/telemetry/TelemetryTables.ts"
import { telemetryContract, valuesOf } from "./TelemetryContract.ts"

const agentId = AgentId.make("018f0000-0000-7000-8000-00000000000a")
const metrics = (value: number) => ({
  timestamp: `2026-03-02T14:30:0${value}.000Z`,
  samples: [{ name: "n", labels: {}, value }]
})
const batch = (...sequences: ReadonlyArray<number>) => ({
  outbox_id: "one",
  dropped: 0,
  entries: sequences.map((sequence) => ({ sequence, kind: "metrics", report: JSON.stringify(metrics(sequence)) }))
})

const start = Effect.fnUntraced(function* (path: string) {
  const context = yield* Layer.build(
    Layer.fresh(layerSqliteTelemetry).pipe(
      Layer.provideMerge(Layer.mergeAll(Layer.fresh(Warnings.layer), Layer.fresh(Metrics.layer), Identifiers.layer)),
      Layer.provide(Layer.succeed(DataDirectory, { path })),
      Layer.provide(
        Layer.succeed(Settings, { telemetryKept: Duration.days(7), telemetryMegabytesMax: 64 } as SettingsShape)
      )
    )
  )
  return {
    empty: Effect.sync(() => {
      const file = join(path, "telemetry.db")
      if (!existsSync(file)) return
      const database = new DatabaseSync(file, { timeout: 5_000 })
      const names = [...Object.keys(tables), "positions", "writers"]
      database.exec(names.map((name) => `DELETE FROM ${name};`).join(""))
      database.close()
    }),
    store: Context.get(context, TelemetryStore),
    sql: Context.get(context, TelemetrySql),
    warnings: Context.get(context, Warnings).all,
    metrics: Context.get(context, Metrics).text
  }
})

telemetryContract("The embedded store", Effect.flatMap(temporaryDirectory("telemetry"), start))

// Its thread starts from the sources: seconds on a machine that does much else.
describe("The embedded store of telemetry", { timeout: 60_000 }, () => {
  it.live("has what it took after a restart, and does not take it again", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory("telemetry")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* start(path)
          const answers = yield* Effect.forEach([batch(1, 2), batch(1, 2), batch(2, 3)], (one) =>
            store.take(agentId, one)
          )
          assert.deepStrictEqual(answers, [{ through: 2 }, { through: 2 }, { through: 3 }])
          yield* store.note(agentId, "metrics", metrics(9))
        })
      )
      const started = yield* start(path)
      assert.deepStrictEqual(yield* started.store.take(agentId, batch(3)), { through: 3 })
      assert.deepStrictEqual(yield* valuesOf(started, "SELECT value FROM metrics ORDER BY id"), [1, 2, 3, 9])
    })
  )

  it.live("takes from many agents at once", () =>
    Effect.gen(function* () {
      const started = yield* start(yield* temporaryDirectory("telemetry"))
      const agents = Array.from({ length: 50 }, (_, index) =>
        AgentId.make(`018f0000-0000-7000-8000-0000000001${String(index).padStart(2, "0")}`)
      )
      yield* Effect.forEach(agents, (id) => started.store.take(id, batch(1, 2)), { concurrency: "unbounded" })
      const counts = "SELECT count(*) AS count FROM metrics m JOIN metric_series s ON s.id = m.series GROUP BY s.agent"
      assert.deepStrictEqual(
        yield* valuesOf(started, counts),
        agents.map(() => 2)
      )
    })
  )

  it.live("begins anew beside a file that turns out to be damaged, and agents lose nothing that they still have", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory("telemetry")
      const file = join(path, "telemetry.db")
      const before = new SqliteDatabase(file)
      before.close()
      truncateSync(file, 5_000)
      appendFileSync(file, Buffer.alloc(100_000, 7))
      const { store } = yield* start(path)
      const taken = yield* until(
        store.take(agentId, batch(1)).pipe(Effect.orElseSucceed(() => null)),
        (answer) => answer !== null,
        { fact: "the batch is taken" }
      )
      assert.deepStrictEqual(taken, { through: 1 })
      assert.isTrue(existsSync(`${file}.damaged`))
    })
  )

  it.live("refuses while it cannot write, tells the operator, and goes on by itself", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory("telemetry")
      mkdirSync(join(path, "telemetry.db"))
      const started = yield* start(path)
      const { metrics: text, store, warnings } = started
      const refused = yield* Effect.flip(store.take(agentId, batch(1)))
      assert.include(refused.message, "unable to open")
      yield* store.note(agentId, "metrics", metrics(1))
      yield* until(text, (seen) => /^nxmesh_master_telemetry_waiting 1$/m.test(seen), {
        fact: "the report that came by itself waits"
      })
      assert.match(yield* text, /^nxmesh_master_telemetry_up 0$/m)
      assert.include((yield* warnings).join(), "telemetry cannot be kept")
      rmSync(join(path, "telemetry.db"), { recursive: true })
      assert.deepStrictEqual(yield* store.take(agentId, batch(2)), { through: 2 })
      yield* until(valuesOf(started, "SELECT value FROM metrics ORDER BY at"), (all) => all.join() === "1,2", {
        fact: "what waited is kept, once"
      })
      assert.deepStrictEqual(yield* warnings, [])
      assert.match(yield* text, /^nxmesh_master_telemetry_up 1$/m)
    })
  )
})
