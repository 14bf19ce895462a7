/** The agents' sessions, on whichever master they are, as the API asks for them. */
import { Duration, Effect, Layer } from "effect"
import type { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import { ActionOutcomes } from "../agents/ActionOutcomes.ts"
import { AgentPresence } from "../agents/AgentPresence.ts"
import { tooOld } from "../agents/SessionActions.ts"
import { SessionRouter } from "../agents/SessionRouter.ts"
import { Limits } from "../Limits.ts"
import { LiveAgents } from "./LiveAgents.ts"

/** The session says by itself when its agent is late; this is for a session that says nothing. */
const preflightDeadline = Duration.sum(Limits.agents.preflightAnswerMax, Limits.agents.messageDeadline)

export const layerLiveAgents = Layer.effect(
  LiveAgents,
  Effect.gen(function* () {
    const presence = yield* AgentPresence
    const router = yield* SessionRouter
    const outcomes = yield* ActionOutcomes
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
        ),
      actionProblem: (agentId) =>
        Effect.map(router.ask(agentId, { _tag: "Describe" }), (reply) =>
          reply._tag === "Described" ? tooOld(reply.protocol ?? 1) : null
        ),
      outcome: (id) => outcomes.outcome(id, Limits.agents.actionAnswerMax),
      preflight: (agentId, drafts, min_index) =>
        Effect.map(
          router.ask(agentId, { _tag: "Preflight", min_index, drafts }, preflightDeadline),
          (reply): ActionOutcome | string => {
            if (reply._tag === "Performed") return reply.outcome
            return reply._tag === "Unable"
              ? reply.reason
              : "the agent's master did not understand: run the same version on all"
          }
        )
    })
  })
)
