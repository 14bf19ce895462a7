import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

/** Requests by route template, never by path: the number of series stays bounded. */
export const httpMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    requests: yield* metrics.counter({
      name: "nxmesh_master_http_requests_total",
      help: "HTTP requests answered, by method, route and status.",
      labelNames: ["method", "route", "status"]
    }),
    seconds: yield* metrics.histogram({
      name: "nxmesh_master_http_request_duration_seconds",
      help: "Seconds from a request's headers to its answer, by method and route.",
      labelNames: ["method", "route"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
    })
  }
})
