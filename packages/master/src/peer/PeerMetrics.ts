/** Counts what this master refuses to others, and how long it takes to answer them. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"

export const peerMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  const refused = yield* metrics.counter({
    name: "nxmesh_master_peer_refused_total",
    help: "Requests of other masters, or of who says to be one, that were refused, by reason.",
    labelNames: ["reason"]
  })
  const calls = yield* metrics.counter({
    name: "nxmesh_master_peer_calls_total",
    help: "Calls to other masters, by outcome.",
    labelNames: ["outcome"]
  })
  return { refused, calls }
})
