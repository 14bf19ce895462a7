/** What Prometheus sees of the write path. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const commandMetrics = Effect.gen(function* () {
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
    fsync: yield* metrics.histogram({
      name: "nxmesh_master_log_append_seconds",
      help: "Time to make a batch of commands durable.",
      buckets: [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
    }),
    batch: yield* metrics.histogram({
      name: "nxmesh_master_log_batch_entries",
      help: "Commands written with one fsync.",
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    }),
    appliedIndex: yield* metrics.gauge({
      name: "nxmesh_master_applied_index",
      help: "Index of the last entry that the state holds."
    }),
    waiting: yield* metrics.gauge({
      name: "nxmesh_master_commands_waiting",
      help: "Commands that wait for the log."
    })
  }
})
export type CommandMetrics = Effect.Success<typeof commandMetrics>
