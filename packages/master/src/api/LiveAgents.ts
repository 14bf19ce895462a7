/** What the API asks of the sessions of agents. */
import type { ActionId, AgentId, Generation } from "@nxmesh/protocol/Ids"
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import type { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
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
    /** Why actions cannot be asked of an agent that is connected; `null`: they can. */
    readonly actionProblem: (agentId: AgentId) => Effect.Effect<string | null, SessionUnavailable>
    /** The action when the agent has answered, or as it is when nobody waits any longer. */
    readonly outcome: (id: ActionId) => Effect.Effect<ActionRecord | undefined>
    /** What nginx there says of the configuration with the drafts over entry `index`; a text: why it cannot be asked. */
    readonly preflight: (
      agentId: AgentId,
      drafts: ReadonlyArray<ResourceDraft>,
      index: number
    ) => Effect.Effect<ActionOutcome | string, SessionUnavailable>
  }
>()("@nxmesh/master/api/LiveAgents") {}
