/** What the API asks of the sessions of agents. */
import type { AgentId, Generation } from "@nxmesh/protocol/Ids"
import { Context, type Effect } from "effect"
import type { AgentPresence } from "../agents/AgentStates.ts"

export interface LivePresence extends AgentPresence {
  /** ISO 8601; `null` when it was never seen by this master. */
  readonly lastSeenAt: string | null
  /** What the agent last said that it serves. */
  readonly serving: Generation | null
}

export class LiveAgents extends Context.Service<
  LiveAgents,
  {
    readonly presence: (agentId: AgentId) => Effect.Effect<LivePresence | undefined>
    /** Sends the agent its bundle again, also when that failed before. False when the agent is not connected. */
    readonly deployAgain: (agentId: AgentId) => Effect.Effect<boolean>
  }
>()("@nxmesh/master/api/LiveAgents") {}
