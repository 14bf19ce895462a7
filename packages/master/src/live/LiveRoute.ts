/** The live channel's place in the HTTP server: one WebSocket for each console. */
import { livePath, LiveRpcs } from "@nxmesh/protocol/live/LiveRpcs"
import { Layer } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { EventWatch } from "../api/EventWatch.ts"
import { FleetSnapshot } from "./FleetSnapshot.ts"
import { layerLiveAuthentication } from "./LiveAuthenticationLayer.ts"
import { layerLiveHandlers } from "./LiveHandlers.ts"

export const layerLiveRoute = RpcServer.layerHttp({ group: LiveRpcs, path: livePath, protocol: "websocket" }).pipe(
  Layer.provide(layerLiveHandlers),
  Layer.provide([layerLiveAuthentication, FleetSnapshot.layer, EventWatch.layer, RpcSerialization.layerJson])
)
