/** What drift is counted by. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const make = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    found: yield* metrics.counter({
      name: "nxmesh_agent_drift_found_total",
      help: "Files, links, binaries and modules found to differ from the settled generation.",
      labelNames: ["kind"]
    }),
    reverts: yield* metrics.counter({
      name: "nxmesh_agent_drift_reverts_total",
      help: "Times that drifted files were put back, by how it ended.",
      labelNames: ["result"]
    })
  }
})
export type DriftMetrics = Effect.Success<typeof make>
