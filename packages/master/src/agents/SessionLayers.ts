/** The sessions as the link and the API ask for them. */
import { Effect, Layer } from "effect"
import { LiveAgents } from "../api/LiveAgents.ts"
import { AgentGateway } from "../link/AgentGateway.ts"
import { AgentSessions } from "./AgentSessions.ts"

export const layerAgentGateway = Layer.effect(
  AgentGateway,
  Effect.map(AgentSessions, ({ bundle, connect }) => AgentGateway.of({ bundle, connect }))
)

export const layerLiveAgents = Layer.effect(
  LiveAgents,
  Effect.map(AgentSessions, ({ deployAgain, view }) => LiveAgents.of({ deployAgain, presence: view }))
)
