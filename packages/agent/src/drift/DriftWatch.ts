/** Whether the machine still has what settled last, and what was done about it. */
import type { Drift } from "@nxmesh/protocol/model/Drift"
import { Context, Effect, Layer } from "effect"

export class DriftWatch extends Context.Service<
  DriftWatch,
  {
    /** What was found last, until all has been as it should be for a while; `null`: none. */
    readonly current: Effect.Effect<Drift | null>
  }
>()("@nxmesh/agent/drift/DriftWatch") {
  /** Watches nothing. */
  static readonly layerNone = Layer.succeed(DriftWatch, DriftWatch.of({ current: Effect.succeed(null) }))
}
