/** Offers what the metrics say to the masters, by way of the outbox, so that an outage leaves no gap. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Cause, DateTime, Effect, Layer, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Outbox } from "../outbox/Outbox.ts"
import { AgentMetrics } from "./AgentMetrics.ts"
import { samplesOf } from "./Samples.ts"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const { gather } = yield* AgentMetrics
    const { counter, registry } = yield* Metrics
    const leftOut = yield* counter({
      name: "nxmesh_agent_metric_samples_left_out_total",
      help: "Samples that did not fit into a report to the masters."
    })
    const report = Effect.gen(function* () {
      yield* gather
      const made = samplesOf(yield* Effect.promise(() => registry.getMetricsAsJSON()))
      if (made.leftOut > 0) leftOut.inc(made.leftOut)
      yield* outbox.offer("metrics", { timestamp: DateTime.formatIso(yield* DateTime.now), samples: made.samples })
    }).pipe(Effect.catchDefect((defect) => Effect.logError("a report of metrics could not be made", Cause.die(defect))))
    yield* Effect.forkScoped(Effect.repeat(report, Schedule.spaced(Limits.metricsReportInterval)))
  })
)
