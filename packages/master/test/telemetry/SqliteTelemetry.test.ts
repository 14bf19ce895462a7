import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { AgentId } from "@nxmesh/protocol/Ids"
import { Context, Duration, Effect, Layer } from "effect"
import { appendFileSync, existsSync, mkdirSync, rmSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { temporaryDirectory } from "../../../../test/support/Fleet.ts"
import { until } from "../../../../test/support/Wait.ts"
import { Warnings } from "../../src/cluster/Warnings.ts"
import { Settings, type SettingsShape } from "../../src/Settings.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { layerSqliteTelemetry } from "../../src/telemetry/SqliteTelemetry.ts"
import { TelemetryDatabase } from "../../src/telemetry/TelemetryDatabase.ts"
import { TelemetryStore } from "../../src/telemetry/TelemetryStore.ts"

const agentId = AgentId.make("018f0000-0000-7000-8000-00000000000a")
const metrics = (value: number) => ({
  timestamp: "2026-03-02T14:30:00.000Z",
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
      Layer.provideMerge(Layer.mergeAll(Layer.fresh(Warnings.layer), Layer.fresh(Metrics.layer))),
      Layer.provide(Layer.succeed(DataDirectory, { path })),
      Layer.provide(
        Layer.succeed(Settings, { telemetryKept: Duration.days(7), telemetryMegabytesMax: 64 } as SettingsShape)
      )
    )
  )
  return {
    store: Context.get(context, TelemetryStore),
    warnings: Context.get(context, Warnings).all,
    metrics: Context.get(context, Metrics).text
  }
})

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
      const { store } = yield* start(path)
      assert.deepStrictEqual(yield* store.take(agentId, batch(3)), { through: 3 })
      const rows = yield* store.read({ agentId, kind: "metrics", limit: 10 })
      assert.deepStrictEqual(
        rows.map(({ position }) => position?.sequence ?? null),
        [null, 3, 2, 1]
      )
    })
  )

  it.live("takes from many agents at once", () =>
    Effect.gen(function* () {
      const { store } = yield* start(yield* temporaryDirectory("telemetry"))
      const agents = Array.from({ length: 50 }, (_, index) =>
        AgentId.make(`018f0000-0000-7000-8000-0000000001${String(index).padStart(2, "0")}`)
      )
      yield* Effect.forEach(agents, (id) => store.take(id, batch(1, 2)), { concurrency: "unbounded" })
      const counts = yield* Effect.forEach(agents, (id) =>
        Effect.map(store.read({ agentId: id, kind: "metrics", limit: 10 }), ({ length }) => length)
      )
      assert.deepStrictEqual(new Set(counts), new Set([2]))
    })
  )

  it.live("begins anew beside a file that turns out to be damaged, and agents lose nothing that they still have", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory("telemetry")
      const file = join(path, "telemetry.db")
      const before = new TelemetryDatabase(file)
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
      const { metrics: text, store, warnings } = yield* start(path)
      const refused = yield* Effect.flip(store.take(agentId, batch(1)))
      assert.include(refused.message, "unable to open")
      yield* store.note(agentId, "metrics", metrics(1))
      yield* until(text, (seen) => /^nxmesh_master_telemetry_dropped_total 1$/m.test(seen), {
        fact: "the report that came by itself is counted"
      })
      assert.match(yield* text, /^nxmesh_master_telemetry_up 0$/m)
      assert.include((yield* warnings).join(), "telemetry cannot be kept")
      rmSync(join(path, "telemetry.db"), { recursive: true })
      assert.deepStrictEqual(yield* store.take(agentId, batch(1)), { through: 1 })
      assert.deepStrictEqual(yield* warnings, [])
      assert.match(yield* text, /^nxmesh_master_telemetry_up 1$/m)
    })
  )
})
