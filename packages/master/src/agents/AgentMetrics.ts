/** What Prometheus sees of the agents' sessions. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const agentMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    sessions: yield* metrics.gauge({
      name: "nxmesh_master_agent_sessions",
      help: "Agents that are connected to this master and registered."
    }),
    directives: yield* metrics.counter({
      name: "nxmesh_master_directives_total",
      help: "Directives given to agents, by kind; deployments by how the bundle travels.",
      labelNames: ["directive"]
    }),
    outcomes: yield* metrics.counter({
      name: "nxmesh_master_deployments_total",
      help: "Ends of deployments that agents reported, by status.",
      labelNames: ["status"]
    }),
    convergence: yield* metrics.histogram({
      name: "nxmesh_convergence_seconds",
      help: "From an accepted change of an agent's bundle to the report that its nginx serves it.",
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
    })
  }
})
export type AgentMetrics = Effect.Success<typeof agentMetrics>
