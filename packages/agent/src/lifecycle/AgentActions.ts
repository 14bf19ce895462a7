/** Carries out what a person asks of this agent's nginx (AF-001), one at a time, and answers with what came of it. */
import type { ActionId } from "@nxmesh/protocol/Ids"
import type { ActionOutcome, AgentAction } from "@nxmesh/protocol/model/AgentAction"
import { Context, DateTime, Effect, Layer } from "effect"

export class AgentActions extends Context.Service<
  AgentActions,
  {
    /** An id that was asked for before is answered with what came of it then, and nothing is done. */
    readonly perform: (actionId: ActionId, action: AgentAction) => Effect.Effect<ActionOutcome>
  }
>()("@nxmesh/agent/lifecycle/AgentActions") {
  static readonly layer = Layer.succeed(
    AgentActions,
    AgentActions.of({
      perform: Effect.fnUntraced(function* (action_id, action) {
        const at = DateTime.formatIso(yield* DateTime.now)
        const message = `this agent does not know the action ${action._tag}`
        return { action_id, status: "refused", message, started_at: at, finished_at: at, errors: [] }
      })
    })
  )
}
