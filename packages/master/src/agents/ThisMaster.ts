/** Who holds the sessions of this process. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Clock, Context, Effect, Layer } from "effect"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"

export class ThisMaster extends Context.Service<
  ThisMaster,
  {
    readonly id: MasterId
    /** Of this process: a restart is another one. */
    readonly incarnation: string
    readonly startedAtMillis: number
  }
>()("@nxmesh/master/agents/ThisMaster") {
  static readonly layerOf = (id: MasterId) =>
    Layer.effect(
      ThisMaster,
      Effect.gen(function* () {
        const incarnation = yield* (yield* Identifiers).uuid
        return ThisMaster.of({ id, incarnation, startedAtMillis: yield* Clock.currentTimeMillis })
      })
    )

  static readonly layer = Layer.unwrap(Effect.map(NodeIdentity, ({ nodeId }) => ThisMaster.layerOf(nodeId)))
}
