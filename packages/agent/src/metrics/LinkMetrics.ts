/** How long the agent was without a master, and how often it came to one. Looked at once a second. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Clock, Effect, Layer, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Link } from "../link/Link.ts"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const metrics = yield* Metrics
    const link = yield* Link
    const island = yield* metrics.counter({
      name: "nxmesh_agent_island_seconds_total",
      help: "Seconds without a master since the agent started."
    })
    const connections = yield* metrics.counter({
      name: "nxmesh_agent_connections_total",
      help: "Times that the agent came to a master; all but the first are reconnections."
    })
    let lastNanos = yield* Clock.monotonicTimeNanos
    let wasReady = false
    const look = Effect.gen(function* () {
      const nowNanos = yield* Clock.monotonicTimeNanos
      const isReady = (yield* link.state).phase === "READY"
      if (!isReady) island.inc(Number(nowNanos - lastNanos) / 1e9)
      if (isReady && !wasReady) connections.inc()
      wasReady = isReady
      lastNanos = nowNanos
    })
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced(Limits.linkLookInterval)))
  })
)
