/** The agents' sessions, on whichever master they are, as the API asks for them. */
import { Effect, Layer } from "effect"
import { AgentPresence } from "../agents/AgentPresence.ts"
import { SessionRouter } from "../agents/SessionRouter.ts"
import { LiveAgents } from "./LiveAgents.ts"

export const layerLiveAgents = Layer.effect(
  LiveAgents,
  Effect.gen(function* () {
    const presence = yield* AgentPresence
    const router = yield* SessionRouter
    return LiveAgents.of({
      presence: (agentId) =>
        Effect.map(presence.whereabouts(agentId), ({ newest, present }) =>
          newest === null && !present
            ? undefined
            : {
                connected: present,
                health: newest?.health ?? null,
                lastSeenAt: newest?.last_seen_at ?? null,
                serving: newest?.serving ?? null
              }
        ),
      deployAgain: (agentId) =>
        router.tell(agentId, { _tag: "DeployAgain" }).pipe(
          Effect.as(true),
          Effect.catchIf(
            ({ reason }) => reason === "NotConnected",
            () => Effect.succeed(false)
          )
        )
    })
  })
)
