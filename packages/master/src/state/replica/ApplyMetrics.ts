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
