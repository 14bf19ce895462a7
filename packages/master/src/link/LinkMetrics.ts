/** Counts what the link refuses and how many agents it holds. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Context, Effect, Layer } from "effect"

export class LinkMetrics extends Context.Service<
  LinkMetrics,
  {
    readonly refused: (reason: string) => Effect.Effect<void>
    readonly connections: (open: number) => Effect.Effect<void>
  }
>()("@nxmesh/master/link/LinkMetrics") {
  static readonly layer = Layer.effect(
    LinkMetrics,
    Effect.gen(function* () {
      const metrics = yield* Metrics
      const refused = yield* metrics.counter({
        name: "nxmesh_master_link_refused_total",
        help: "Calls and connections of agents that were refused, by reason.",
        labelNames: ["reason"]
      })
      const connections = yield* metrics.gauge({
        name: "nxmesh_master_link_connections",
        help: "Open connections from agents, registered or not."
      })
      return LinkMetrics.of({
        refused: (reason) => Effect.sync(() => refused.inc({ reason })),
        connections: (open) => Effect.sync(() => connections.set(open))
      })
    })
  )
}
