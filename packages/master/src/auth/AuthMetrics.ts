/** What Prometheus sees of logins and tokens: guessing and theft show here first. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const authMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    passwords: yield* metrics.counter({
      name: "nxmesh_master_password_checks_total",
      help: "Passwords checked at login or before a change, by outcome: right, wrong or throttled.",
      labelNames: ["outcome"]
    }),
    refreshes: yield* metrics.counter({
      name: "nxmesh_master_session_refreshes_total",
      help: "Refresh tokens presented, by outcome: rotated or refused.",
      labelNames: ["outcome"]
    }),
    denied: yield* metrics.counter({
      name: "nxmesh_api_denied_total",
      help: "Requests refused because whoever asked holds the permission nowhere, by permission.",
      labelNames: ["permission"]
    }),
    refusedTokens: yield* metrics.counter({
      name: "nxmesh_master_access_tokens_refused_total",
      help: "Requests refused for their access token, by reason.",
      labelNames: ["reason"]
    })
  }
})
