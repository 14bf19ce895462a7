/**
 * Traces of the program: every `Effect.fn` and `Effect.withSpan` is a span, sent to an OpenTelemetry collector when one is
 * set. Without one nothing of OpenTelemetry is loaded, and spans only give the log its ids.
 *
 * A collector that is down or slow costs nothing but its spans: they wait in a bounded queue and are counted when dropped.
 */
import { Context, Effect, Layer, Tracer } from "effect"
import { Limits } from "../Limits.ts"
import type { SpanCounts } from "./CountedSpans.ts"
import { Metrics } from "./Metrics.ts"
import type { OtelOptions } from "./OtelTracer.ts"

export interface TracingShape {
  /** Of traces that begin here, how many are recorded from now on: 0 to 1. */
  readonly setRatio: (ratio: number) => void
  /** `null`: there is no collector. */
  readonly counts: () => SpanCounts | null
}

const off: TracingShape = { setRatio: () => undefined, counts: () => null }

/** How this program traces; off unless `layerTracing` says otherwise. */
export const Tracing = Context.Reference<TracingShape>("@nxmesh/core/observe/Tracing", { defaultValue: () => off })

export interface TracingOptions extends Omit<OtelOptions, "endpoint"> {
  /** `null`: nothing is sent. */
  readonly endpoint: string | null
}

/** Nothing is recorded, and whoever is called is told so: this end would not be there to look at. */
const layerOff = Layer.succeed(Tracer.MinimumTraceLevel, "None")

const layerOn = (options: OtelOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { makeOtelTracer } = yield* Effect.promise(() => import("./OtelTracer.ts"))
      const otel = yield* Effect.acquireRelease(
        Effect.sync(() => makeOtelTracer(options)),
        ({ close }) =>
          Effect.promise(() => close().catch(() => undefined)).pipe(
            Effect.timeoutOption(Limits.trace.closeMax),
            Effect.asVoid
          )
      )
      return Layer.merge(
        Layer.succeed(Tracer.Tracer, otel.tracer),
        Layer.succeed(Tracing, { setRatio: otel.setRatio, counts: otel.counts })
      )
    })
  )

/** Provide it around the program, so that every fiber has it. */
export const layerTracing = ({ endpoint, ...options }: TracingOptions): Layer.Layer<never> =>
  endpoint === null ? layerOff : layerOn({ endpoint, ...options })

/** What became of spans, for `/metrics`. */
export const layerTracingMetrics = (program: string): Layer.Layer<never, never, Metrics> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const metrics = yield* Metrics
      const { counts } = yield* Tracing
      yield* metrics.counter({
        name: `nxmesh_${program}_spans_total`,
        help: "Spans of sampled traces, by what became of them: exported, failed at the collector, or dropped before.",
        labelNames: ["result"],
        collect() {
          this.reset()
          for (const [result, count] of Object.entries(counts() ?? {})) this.inc({ result }, count)
        }
      })
    })
  )
