/** The other masters over the network, as questions about telemetry reach them. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Effect, Layer } from "effect"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Reads } from "../state/Reads.ts"
import { TelemetryPeerSilent, TelemetryPeers } from "../telemetry/TelemetryGather.ts"
import { PeerClient } from "./PeerClient.ts"

export const layerTelemetryPeers = Layer.effect(
  TelemetryPeers,
  Effect.gen(function* () {
    const client = yield* PeerClient
    const { nodeId } = yield* NodeIdentity
    const reads = yield* Reads
    const self = nodeId as MasterId
    return TelemetryPeers.of({
      self,
      others: Effect.map(reads.masters, (all) => all.flatMap(({ id }) => (id === self ? [] : [id]))),
      ask: (id, tag, question, deadline) =>
        client.telemetry(id, { tag, question }, deadline).pipe(
          Effect.map(({ answer }) => answer),
          Effect.mapError(({ message }) => new TelemetryPeerSilent({ message }))
        )
    })
  })
)
