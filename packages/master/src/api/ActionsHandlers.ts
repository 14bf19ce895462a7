/** What people ask of agents at once (AF-001): the wish goes into the log, and the answer waits for what became of it. */
import { ActionId, type AgentId } from "@nxmesh/protocol/Ids"
import { type ActionRecord, type ActionRequest, actionPermission } from "@nxmesh/protocol/model/ActionRecord"
import { principalName } from "@nxmesh/protocol/Principal"
import { Clock, Duration, Effect } from "effect"
import type { SessionUnavailable } from "../agents/SessionRouter.ts"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { existing } from "./Change.ts"
import { LiveAgents } from "./LiveAgents.ts"
import { newId } from "./NewIds.ts"
import { answerPage } from "./Pagination.ts"
import { notFound, refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { currentPrincipal, idempotencyOf, submit } from "./Submission.ts"

/** An agent that is not there is a conflict with what was asked; one that cannot be reached now may be in a moment. */
export const unreachable = ({ message, reason }: SessionUnavailable, consequence: string) =>
  reason === "NotConnected"
    ? refuse("CONFLICT", `The agent is not connected: ${consequence}`)
    : refuse("UNAVAILABLE", `The agent cannot be asked now: ${message}; ${consequence}`)

/** Whether this very request was answered before: then its answer is given again, and nothing is asked of anybody. */
export const isRepeated = Effect.fnUntraced(function* (key: string | undefined) {
  if (key === undefined) return false
  const principal = principalName(yield* currentPrincipal)
  return yield* (yield* Reads).isAnswered(principal, key, yield* Clock.currentTimeMillis)
})

/** Before anything is written. */
const requireAskable = Effect.fnUntraced(function* (agentId: AgentId, { action }: ActionRequest) {
  if (action === "maintenance_on" || action === "maintenance_off") return
  const problem = yield* (yield* LiveAgents)
    .actionProblem(agentId)
    .pipe(Effect.mapError((error) => unreachable(error, "nothing was asked of it")))
  if (problem !== null) return yield* Effect.fail(refuse("CONFLICT", `Nothing was asked of the agent: ${problem}`))
})

const unanswered = (agentId: AgentId, id: ActionId) =>
  refuse(
    "OUTCOME_UNKNOWN",
    `The agent has not answered within ${Duration.format(Limits.agents.actionAnswerMax)}: it may still do it, or have done it. ` +
      `GET /api/v1/agents/${agentId}/actions/${id} says what became of it`,
    [{ field: "action_id", message: id }]
  )

interface ActRequest {
  readonly params: { readonly id: AgentId }
  readonly headers: { readonly "idempotency-key"?: string }
  readonly payload: ActionRequest
}

/** With a key that was used, the same action is awaited: it is never done twice. */
export const act = Effect.fn("agents.act")(function* ({ headers, params, payload }: ActRequest) {
  const key = headers["idempotency-key"]
  yield* existing("agent", params.id, actionPermission(payload.action))
  if (!(yield* isRepeated(key))) yield* requireAskable(params.id, payload)
  const accepted = yield* submit(
    { _tag: "RequestAgentAction", id: yield* newId(ActionId), agent_id: params.id, request: payload },
    idempotencyOf(key, { method: "POST", path: `agents/${params.id}/actions`, payload })
  )
  const asked = accepted.value as ActionRecord
  // It is forgotten when many came after it: then what was known at the request is all there is.
  const record = (yield* (yield* LiveAgents).outcome(asked.id)) ?? asked
  yield* answerHeaders({ location: `/api/v1/agents/${params.id}/actions/${record.id}` })
  return record.status === "pending" ? yield* Effect.fail(unanswered(params.id, record.id)) : { data: record }
})

export const listActions = Effect.fn("agents.actions")(function* ({
  params,
  query
}: {
  readonly params: { readonly id: AgentId }
  readonly query: { readonly page: number; readonly per_page: number }
}) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  yield* existing("agent", params.id)
  const all = yield* reads.actions(params.id)
  const items = all.slice((query.page - 1) * query.per_page, query.page * query.per_page)
  return yield* answerPage(query, { items, total: all.length }, index)
})

export const getAction = Effect.fn("agents.action")(function* ({
  params
}: {
  readonly params: { readonly id: AgentId; readonly action_id: ActionId }
}) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  yield* existing("agent", params.id)
  const record = yield* reads.action(params.action_id)
  if (record?.agent_id !== params.id) return yield* Effect.fail(notFound("action", params.action_id))
  yield* answerHeaders(indexHeader(index))
  return { data: record }
})
