/** What other masters ask, as one handler for the agents' server. */
import { PeerApi } from "@nxmesh/protocol/peer/PeerApi"
import { Context, Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { peerHandler } from "../joining/PeerEdge.ts"
import type { PeerHandler } from "../link/PeerHandler.ts"
import { layerPeerHandlers } from "./PeerHandlers.ts"
import { PeerIdentityLayer } from "./PeerIdentityLayer.ts"

const routes = HttpApiBuilder.layer(PeerApi).pipe(
  Layer.provide(layerPeerHandlers.pipe(Layer.provide(PeerIdentityLayer)))
)

export class PeerServer extends Context.Service<PeerServer, { readonly handler: PeerHandler }>()(
  "@nxmesh/master/peer/PeerServer"
) {
  static readonly layer = Layer.effect(
    PeerServer,
    Effect.map(peerHandler(routes), (handler) => PeerServer.of({ handler }))
  )
}
