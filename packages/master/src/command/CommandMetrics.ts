/** What Prometheus sees of the commands that this master was given; what apply did, every master counts. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const commandMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    duration: yield* metrics.histogram({
      name: "nxmesh_master_command_seconds",
      help: "From a command's submission to its outcome: committed by a majority and applied here.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
    }),
    failures: yield* metrics.counter({
      name: "nxmesh_master_command_failures_total",
      help: "Commands that ended without an outcome, by reason.",
      labelNames: ["reason"]
    }),
    waiting: yield* metrics.gauge({
      name: "nxmesh_master_commands_waiting",
      help: "Commands that wait for their outcome."
    })
  }
})
export type CommandMetrics = Effect.Success<typeof commandMetrics>
