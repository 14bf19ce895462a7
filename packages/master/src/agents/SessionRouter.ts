/**
 * The sessions of all agents as actors that any master can address by the agent's id: here by their mailbox, elsewhere
 * over the master that holds the connection. Where that is, is a hint; a wrong one costs a question more.
 */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { AgentMessage, AgentReply } from "@nxmesh/protocol/peer/AgentMessage"
import { Context, Data, Duration, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { AgentPresence } from "./AgentPresence.ts"
import { AgentSessions } from "./AgentSessions.ts"
import { type MasterSilent, OtherMasters } from "./OtherMasters.ts"
import { ThisMaster } from "./ThisMaster.ts"

/**
 * The message was not taken, or nobody can say whether it was. `NotConnected`: no master holds the agent's connection.
 * `Unreachable`: the one that does cannot be reached. `TimedOut`: no answer within the deadline. `Busy`: its mailbox is full.
 */
export class SessionUnavailable extends Data.TaggedError("SessionUnavailable")<{
  readonly agentId: AgentId
  readonly reason: "NotConnected" | "Unreachable" | "TimedOut" | "Busy"
  readonly message: string
}> {}

export type Delivered = Exclude<AgentReply, { readonly _tag: "NotConnected" | "Busy" }>

const unavailable = (agentId: AgentId, reason: SessionUnavailable["reason"], why: string) =>
  new SessionUnavailable({ agentId, reason, message: `agent ${agentId}: ${why}` })

export class SessionRouter extends Context.Service<
  SessionRouter,
  {
    /** Waits for the session's answer, at most so long. */
    readonly ask: (
      agentId: AgentId,
      message: AgentMessage,
      deadline?: Duration.Duration
    ) => Effect.Effect<Delivered, SessionUnavailable>
    /** Done when the message is in the session's mailbox. */
    readonly tell: (
      agentId: AgentId,
      message: Extract<AgentMessage, { readonly _tag: "DeployAgain" }>,
      deadline?: Duration.Duration
    ) => Effect.Effect<void, SessionUnavailable>
  }
>()("@nxmesh/master/agents/SessionRouter") {
  static readonly layer = Layer.effect(
    SessionRouter,
    Effect.gen(function* () {
      const others = yield* OtherMasters
      const presence = yield* AgentPresence
      const reads = yield* Reads
      const self = yield* ThisMaster
      const sessions = yield* AgentSessions

      /** Who may hold the connection, the likeliest first. */
      const holders = Effect.fnUntraced(function* (agentId: AgentId) {
        const { at } = yield* presence.whereabouts(agentId)
        const claim = yield* reads.agentClaim(agentId)
        const members = yield* others.ids
        const likely = [at, claim?.master_id].filter((id) => id !== undefined && id !== null && id !== self.id)
        return [...new Set(likely as ReadonlyArray<MasterId>)].filter((id) => members.includes(id))
      })

      const route = Effect.fnUntraced(function* (
        agentId: AgentId,
        message: AgentMessage,
        deadline: Duration.Duration
      ): Effect.fn.Return<AgentReply, MasterSilent> {
        const here = yield* sessions.receive(agentId, message)
        if (here._tag !== "NotConnected") return here
        let silent: MasterSilent | undefined
        for (const id of yield* holders(agentId)) {
          const reply = yield* others.message(id, agentId, message, deadline).pipe(
            Effect.catch((error) =>
              Effect.sync((): AgentReply => {
                silent = error
                return { _tag: "NotConnected" }
              })
            )
          )
          if (reply._tag !== "NotConnected") return reply
        }
        // One that did not answer may have it; all that did have not.
        return silent === undefined ? { _tag: "NotConnected" } : yield* silent
      })

      const ask = Effect.fn("SessionRouter.ask")(function* (
        agentId: AgentId,
        message: AgentMessage,
        deadline: Duration.Duration = Limits.agents.messageDeadline
      ) {
        const reply = yield* route(agentId, message, deadline).pipe(
          Effect.mapError(({ message: why, reason }) => unavailable(agentId, reason, why)),
          Effect.timeoutOrElse({
            duration: deadline,
            orElse: () => Effect.fail(unavailable(agentId, "TimedOut", `no answer within ${Duration.format(deadline)}`))
          })
        )
        switch (reply._tag) {
          case "NotConnected":
            return yield* unavailable(agentId, "NotConnected", "it is not connected to any master")
          case "Busy":
            return yield* unavailable(agentId, "Busy", "its session has too much to do: try again in a moment")
          default:
            return reply
        }
      })

      return SessionRouter.of({
        ask,
        tell: (agentId, message, deadline) => Effect.asVoid(ask(agentId, message, deadline))
      })
    })
  )
}
