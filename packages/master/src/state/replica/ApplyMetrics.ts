/** What Prometheus sees of apply: on every master the same commands, whichever of them took the request. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const applyMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    commands: yield* metrics.counter({
      name: "nxmesh_master_commands_total",
      help: "Commands applied, by command and outcome (accepted or the rejection's code).",
      labelNames: ["command", "outcome"]
    }),
    seconds: yield* metrics.histogram({
      name: "nxmesh_master_apply_seconds",
      help: "One transaction of committed commands, from its beginning until every follower of the state has its events.",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
    }),
    batch: yield* metrics.histogram({
      name: "nxmesh_master_apply_batch_commands",
      help: "Commands that one transaction applied.",
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500]
    }),
    defects: yield* metrics.counter({
      name: "nxmesh_master_apply_defects_total",
      help: "Entries rejected because apply itself failed: each one is a bug to report."
    }),
    appliedIndex: yield* metrics.gauge({
      name: "nxmesh_master_applied_index",
      help: "Index of the last entry that the state holds."
    })
  }
})
export type ApplyMetrics = Effect.Success<typeof applyMetrics>
