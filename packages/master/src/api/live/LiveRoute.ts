/** The live channel's place in the HTTP server: one WebSocket for each console. */
import { livePath, LiveRpcs } from "@nxmesh/protocol/live/LiveRpcs"
import { Layer } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { EventWatch } from "../EventWatch.ts"
import { Callers } from "../../auth/Callers.ts"
import { Credentials } from "../../auth/Credentials.ts"
import { FleetSnapshot } from "./FleetSnapshot.ts"
import { layerLiveAuthentication } from "./LiveAuthenticationLayer.ts"
import { layerLiveHandlers } from "./LiveHandlers.ts"

const layerCallers = Callers.layer.pipe(Layer.provide(Credentials.layer))

export const layerLiveRoute = RpcServer.layerHttp({ group: LiveRpcs, path: livePath, protocol: "websocket" }).pipe(
  Layer.provide(layerLiveHandlers),
  Layer.provide([
    layerLiveAuthentication,
    FleetSnapshot.layer,
    EventWatch.layer,
    layerCallers,
    RpcSerialization.layerJson
  ])
)
