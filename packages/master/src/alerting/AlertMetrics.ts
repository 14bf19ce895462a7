/** `nxmesh_alerts_*` and `nxmesh_webhook_*`: set by the master that leads. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const alertMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    firing: yield* metrics.gauge({
      name: "nxmesh_alerts_firing",
      help: "Alerts that fire, on the leader; 0 on the others.",
      labelNames: ["severity"] as const
    }),
    unjudged: yield* metrics.gauge({
      name: "nxmesh_alert_rules_unjudged",
      help: "Rules that could not be judged at the last look, on the leader."
    }),
    round: yield* metrics.histogram({
      name: "nxmesh_alerts_round_seconds",
      help: "A look at everything that rules watch, on the leader.",
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10]
    }),
    attempts: yield* metrics.counter({
      name: "nxmesh_webhook_attempts_total",
      help: "Attempts to deliver a message: delivered, retried later, or failed for good.",
      labelNames: ["result"] as const
    }),
    waiting: yield* metrics.gauge({
      name: "nxmesh_webhook_messages_waiting",
      help: "Messages that no endpoint has accepted yet, on the leader."
    })
  }
})
export type AlertMetrics = Effect.Success<typeof alertMetrics>
