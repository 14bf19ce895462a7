/** The agents' sessions as the link asks for them. */
import { Effect, Layer } from "effect"
import { AgentGateway } from "../link/AgentGateway.ts"
import { AgentSessions } from "./AgentSessions.ts"

export const layerAgentGateway = Layer.effect(
  AgentGateway,
  Effect.map(AgentSessions, ({ bundle, connect }) => AgentGateway.of({ bundle, connect }))
)
