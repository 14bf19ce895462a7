/** What the API asks of the sessions of agents. */
import type { AgentId, Generation } from "@nxmesh/protocol/Ids"
import { Context, type Effect } from "effect"
import type { AgentPresence } from "../agents/AgentStates.ts"
import type { SessionUnavailable } from "../agents/SessionRouter.ts"

export interface LivePresence extends AgentPresence {
  /** ISO 8601; `null` when no master has seen it since it started. */
  readonly lastSeenAt: string | null
  /** What the agent last said that it serves. */
  readonly serving: Generation | null
}

export class LiveAgents extends Context.Service<
  LiveAgents,
  {
    readonly presence: (agentId: AgentId) => Effect.Effect<LivePresence | undefined>
    /**
     * Sends the agent its bundle again, also when that failed before, whichever master it is connected to. False when it
     * is connected to none.
     */
    readonly deployAgain: (agentId: AgentId) => Effect.Effect<boolean, SessionUnavailable>
  }
>()("@nxmesh/master/api/LiveAgents") {}
