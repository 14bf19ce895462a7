/** Counts what the link refuses and how many agents it holds. */
import { Context, Effect, Layer } from "effect"
import { Counter, Gauge, Registry } from "prom-client"

export class LinkMetrics extends Context.Service<
  LinkMetrics,
  {
    readonly refused: (reason: string) => Effect.Effect<void>
    readonly connections: (open: number) => Effect.Effect<void>
  }
>()("@nxmesh/master/link/LinkMetrics") {
  static readonly make = (registry: Registry) => {
    const refused = new Counter({
      name: "nxmesh_master_link_refused_total",
      help: "Calls and connections of agents that were refused, by reason.",
      labelNames: ["reason"],
      registers: [registry]
    })
    const connections = new Gauge({
      name: "nxmesh_master_link_connections",
      help: "Open connections from agents, registered or not.",
      registers: [registry]
    })
    return LinkMetrics.of({
      refused: (reason) => Effect.sync(() => refused.inc({ reason })),
      connections: (open) => Effect.sync(() => connections.set(open))
    })
  }
  /** Keeps its counts to itself. */
  static readonly layerPrivate = Layer.sync(LinkMetrics, () => LinkMetrics.make(new Registry()))
}
