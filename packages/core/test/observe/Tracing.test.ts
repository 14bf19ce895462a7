import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import { startCollector } from "../../../../test/support/Collector.ts"
import { until } from "../../../../test/support/Wait.ts"
import { Limits } from "../../src/Limits.ts"
import { Metrics } from "../../src/observe/Metrics.ts"
import { recordSpan } from "../../src/observe/RecordedSpan.ts"
import { parseTraceparent, sampledTraceparent } from "../../src/observe/Traceparent.ts"
import { layerTracing, layerTracingMetrics, Tracing } from "../../src/observe/Tracing.ts"

const collector = (options?: { readonly answers: boolean }) =>
  Effect.acquireRelease(
    Effect.promise(() => startCollector(options)),
    (server) => Effect.promise(server.close)
  )

const tracing = (endpoint: string | null, ratio = 1) =>
  layerTracing({ endpoint, ratio, service: "nxmesh-test", version: "1.2.3", instance: "one" })

const remote = (flags: "00" | "01") =>
  parseTraceparent(`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`) as Tracer.ExternalSpan

describe("Tracing", () => {
  it.live("sends spans with their parents, attributes, links and errors when the program ends", () =>
    Effect.gen(function* () {
      const server = yield* collector()
      yield* Effect.gen(function* () {
        const tracer = yield* Tracer.Tracer
        const outer = yield* Effect.currentParentSpan
        recordSpan(tracer, { name: "past", parent: outer, startNanos: 5n, endNanos: 3n, attributes: { n: 1 } })
        yield* Effect.fail(new TypeError("no such thing")).pipe(Effect.withSpan("inner"), Effect.ignore)
        yield* Effect.interrupt.pipe(Effect.withSpan("left"), Effect.exit)
      }).pipe(
        Effect.withSpan("outer", { kind: "server", attributes: { "nxmesh.agent_id": "a", absent: undefined } }),
        Effect.provide(tracing(server.url))
      )
      const byName = new Map(server.spans.map((span) => [span.name, span]))
      assert.sameMembers([...byName.keys()], ["outer", "past", "inner", "left"])
      const outer = byName.get("outer")
      assert.deepInclude(outer, { service: "nxmesh-test", instance: "one", status: 0 })
      assert.deepStrictEqual(outer?.attributes, { "nxmesh.agent_id": "a" })
      assert.isUndefined(outer?.parentSpanId)
      for (const name of ["past", "inner", "left"]) {
        const { parentSpanId, traceId } = byName.get(name) ?? {}
        assert.deepStrictEqual({ parentSpanId, traceId }, { traceId: outer?.traceId, parentSpanId: outer?.spanId })
      }
      assert.deepInclude(byName.get("past"), { startNanos: 3n, endNanos: 3n, attributes: { n: 1 } })
      assert.deepInclude(byName.get("inner"), { status: 2 })
      assert.deepStrictEqual(byName.get("inner")?.attributes, { "error.type": "TypeError" })
      assert.deepInclude(byName.get("left"), { status: 0 })
    })
  )

  it.live("records by the ratio what begins here, and as was decided what began elsewhere", () =>
    Effect.gen(function* () {
      const server = yield* collector()
      yield* Effect.gen(function* () {
        assert.isUndefined(yield* Effect.withSpan(sampledTraceparent, "root"))
        yield* Effect.withSpan(Effect.withSpan(Effect.void, "child"), "followed", { parent: remote("01") })
        yield* Effect.withSpan(Effect.withSpan(Effect.void, "child"), "left out", { parent: remote("00") })
        ;(yield* Tracing).setRatio(1)
        yield* Effect.withSpan(Effect.void, "later root")
      }).pipe(Effect.provide(tracing(server.url, 0)))
      assert.sameMembers(
        server.spans.map(({ name }) => name),
        ["followed", "child", "later root"]
      )
    })
  )

  it.live("records nothing without a collector, keeps ids for the log, and tells nobody to record", () =>
    Effect.gen(function* () {
      const span = yield* Effect.withSpan(Effect.currentParentSpan, "here", { parent: remote("01") })
      assert.deepInclude(span, { traceId: "0af7651916cd43dd8448eb211c80319c", sampled: false })
      assert.isNull((yield* Tracing).counts())
    }).pipe(Effect.provide(tracing(null)))
  )

  it.live("goes on when the collector hangs or is gone: what finds no room is dropped and counted", () =>
    Effect.gen(function* () {
      const server = yield* collector({ answers: false })
      const layer = layerTracingMetrics("test").pipe(
        Layer.provideMerge(Metrics.layer),
        Layer.provideMerge(tracing(server.url))
      )
      const spans = Limits.trace.spansWaitingMax + 1_000
      yield* Effect.gen(function* () {
        for (let each = 0; each < spans; each += 1) yield* Effect.withSpan(Effect.void, "many")
        const { counts } = yield* Tracing
        const { dropped = 0 } = counts() ?? {}
        assert.isAtLeast(dropped, 1_000 - Limits.trace.spansPerExportMax * Limits.trace.exportsMax)
        yield* until(Effect.sync(server.requests), (requests) => requests > 0, { fact: "spans were sent" })
        assert.include(yield* (yield* Metrics).text, `nxmesh_test_spans_total{result="dropped"} ${dropped}`)
        // Nobody waits for it, at the end either.
        yield* Effect.promise(server.close)
      }).pipe(Effect.provide(layer))
    })
  )
})
