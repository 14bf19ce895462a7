import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Metrics } from "../../src/observe/Metrics.ts"
import { layerProcessMetrics } from "../../src/observe/ProcessMetrics.ts"

const promtool = "/usr/bin/promtool"

describe("Metrics", () => {
  it.effect("answers one metric for one name", () =>
    Effect.gen(function* () {
      const metrics = yield* Metrics
      const options = { name: "nxmesh_test_events_total", help: "Events.", labelNames: ["kind"] as const }
      const first = yield* metrics.counter(options)
      const second = yield* metrics.counter(options)
      first.inc({ kind: "a" })
      second.inc({ kind: "a" }, 2)
      assert.include(yield* metrics.text, 'nxmesh_test_events_total{kind="a"} 3')
    }).pipe(Effect.provide(Metrics.layer))
  )

  it.effect("describes the process in text that promtool accepts", () =>
    Effect.gen(function* () {
      const text = yield* (yield* Metrics).text
      assert.match(text, /nxmesh_master_build_info\{version="1\.2\.3",node="[0-9.]+"\} 1/)
      assert.match(text, /process_resident_memory_bytes [1-9]/)
      if (existsSync(promtool)) execFileSync(promtool, ["check", "metrics"], { input: text })
    }).pipe(Effect.provide(layerProcessMetrics("master", "1.2.3").pipe(Layer.provideMerge(Metrics.layer))))
  )
})
