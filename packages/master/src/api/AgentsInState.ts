/** Agents in one state. A state follows from sessions and deployments, so no column can be asked for it. */
import type { AgentState } from "@nxmesh/protocol/model/Agent"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import type { ListQuery } from "../state/Listable.ts"
import { Reads } from "../state/Reads.ts"
import { derivedState } from "./AgentView.ts"
import { refuse } from "./Refusal.ts"

export const agentsInState = Effect.fn("agentsInState")(function* (state: AgentState, query: ListQuery) {
  const all = yield* (yield* Reads).list("agent", {
    ...query,
    page: 1,
    perPage: Limits.api.stateFilterAgentsMax
  })
  if (all.total > all.items.length) {
    return yield* Effect.fail(
      refuse("UNPROCESSABLE", `More than ${Limits.api.stateFilterAgentsMax} agents would have to be looked at`, [
        { field: "state", message: "needs another filter beside it, such as workspace_id" }
      ])
    )
  }
  const matching = yield* Effect.filter(all.items, (agent) =>
    Effect.map(derivedState(agent), (derived) => derived.state === state)
  )
  const first = (query.page - 1) * query.perPage
  return { items: matching.slice(first, first + query.perPage), total: matching.length }
})
