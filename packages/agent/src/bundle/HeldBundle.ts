/** The last good bundle, against which the master may send a delta. */
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Context, Effect, Layer, Ref } from "effect"

export class HeldBundle extends Context.Service<
  HeldBundle,
  {
    readonly latest: Effect.Effect<Bundle | null>
    /** After it settled. */
    readonly keep: (bundle: Bundle) => Effect.Effect<void>
  }
>()("@nxmesh/agent/bundle/HeldBundle") {
  /** Until the process ends. */
  static readonly layerMemory = Layer.effect(
    HeldBundle,
    Effect.map(Ref.make<Bundle | null>(null), (held) =>
      HeldBundle.of({ latest: Ref.get(held), keep: (bundle) => Ref.set(held, bundle) })
    )
  )
}
