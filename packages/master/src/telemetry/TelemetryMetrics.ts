/** Says whether telemetry is kept, and what is lost of it. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const telemetryMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  const up = yield* metrics.gauge({
    name: "nxmesh_master_telemetry_up",
    help: "1 while telemetry can be kept, else 0."
  })
  up.set(1)
  return {
    up,
    bytes: yield* metrics.gauge({
      name: "nxmesh_master_telemetry_bytes",
      help: "What telemetry takes of its file, or of Postgres."
    }),
    rows: yield* metrics.counter({
      name: "nxmesh_master_telemetry_rows_total",
      help: "Health reports, samples of metrics, log lines and events that were kept."
    }),
    undecodable: yield* metrics.counter({
      name: "nxmesh_master_telemetry_undecodable_total",
      help: "Reports of agents that could not be decoded, and are left out."
    }),
    dropped: yield* metrics.counter({
      name: "nxmesh_master_telemetry_dropped_total",
      help: "Reports of connected agents and events that could not be kept: too many waited already."
    }),
    waiting: yield* metrics.gauge({
      name: "nxmesh_master_telemetry_waiting",
      help: "Reports of connected agents and events that wait in memory to be written."
    }),
    refused: yield* metrics.counter({
      name: "nxmesh_master_telemetry_refused_total",
      help: "Batches that were refused because too much was being written: agents offer them again."
    }),
    failures: yield* metrics.counter({
      name: "nxmesh_master_telemetry_failures_total",
      help: "Questions to the store that failed."
    })
  }
})
