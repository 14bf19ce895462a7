/** The other masters over the network, and what they get when they ask. */
import { peerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Effect, Layer } from "effect"
import type { AskFailed } from "../cluster/AskMaster.ts"
import { AgentMessages } from "../peer/AgentMessages.ts"
import { PeerClient } from "../peer/PeerClient.ts"
import { Reads } from "../state/Reads.ts"
import { AgentPresence } from "./AgentPresence.ts"
import { AgentSessions } from "./AgentSessions.ts"
import { MasterSilent, OtherMasters } from "./OtherMasters.ts"
import { ThisMaster } from "./ThisMaster.ts"

const silent = ({ message, reason }: AskFailed): MasterSilent =>
  new MasterSilent({ reason: reason === "TimedOut" ? "TimedOut" : "Unreachable", message })

export const layerOtherMasters = Layer.effect(
  OtherMasters,
  Effect.gen(function* () {
    const client = yield* PeerClient
    const reads = yield* Reads
    const self = yield* ThisMaster
    return OtherMasters.of({
      ids: Effect.map(reads.masters, (all) => all.flatMap(({ id }) => (id === self.id ? [] : [id]))),
      message: (id, agentId, message, deadline) =>
        Effect.mapError(client.agentMessage(id, agentId, message, deadline), silent),
      presence: (id, question, deadline) => Effect.mapError(client.presence(id, question, deadline), silent)
    })
  })
)

/** A master that was removed is asked no longer; who still asks is refused before this. */
export const layerAgentMessages = Layer.effect(
  AgentMessages,
  Effect.gen(function* () {
    const presence = yield* AgentPresence
    const reads = yield* Reads
    const sessions = yield* AgentSessions
    return AgentMessages.of({
      handle: (agentId, message) => sessions.receive(agentId, message),
      presence: (question) =>
        Effect.flatMap(reads.clusterState, (cluster) =>
          cluster === undefined
            ? Effect.fail(peerUnavailable("not_ready", "this master does not know its cluster yet"))
            : presence.answer(question)
        )
    })
  })
)
