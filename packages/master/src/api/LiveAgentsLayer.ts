/** The agents' sessions as the API asks for them. */
import { Effect, Layer } from "effect"
import { AgentSessions } from "../agents/AgentSessions.ts"
import { LiveAgents } from "./LiveAgents.ts"

export const layerLiveAgents = Layer.effect(
  LiveAgents,
  Effect.map(AgentSessions, ({ deployAgain, view }) => LiveAgents.of({ deployAgain, presence: view }))
)
