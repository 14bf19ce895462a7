/** What Prometheus sees of agents that several masters share. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

/** `claimed`: said in the log to be connected here. `superseded`: closed here, because a newer connection is elsewhere. */
export const claimMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    claims: yield* metrics.counter({
      name: "nxmesh_master_agent_claims_total",
      help: "Connections of agents that this master claimed, and that it closed for a newer claim, by result.",
      labelNames: ["result"]
    }),
    pending: yield* metrics.gauge({
      name: "nxmesh_master_agent_claims_pending",
      help: "Connections of agents whose claim is not in the log yet."
    })
  }
})

export const presenceMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    questions: yield* metrics.counter({
      name: "nxmesh_master_agent_presence_questions_total",
      help: "Questions to other masters about their agents, by result: answered or silent.",
      labelNames: ["result"]
    }),
    sightings: yield* metrics.counter({
      name: "nxmesh_master_agent_sightings_total",
      help: "Agents that other masters said have changed."
    })
  }
})

export const rebalanceMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    sentHome: yield* metrics.counter({
      name: "nxmesh_master_agents_sent_home_total",
      help: "Agents that were sent to the master that they prefer, because this one held more than its share."
    })
  }
})
