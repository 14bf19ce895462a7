import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { Idempotency } from "@nxmesh/protocol/Command"
import { AgentId } from "@nxmesh/protocol/Ids"
import type { AgentCreate } from "@nxmesh/protocol/model/Agent"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { resourceDrafts } from "../config/Drafts.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { visibleScopes } from "../auth/AccessChecks.ts"
import { Reads } from "../state/Reads.ts"
import { act, getAction, listActions } from "./ActionsHandlers.ts"
import { agentView } from "./AgentView.ts"
import { agentsInState } from "./AgentsInState.ts"
import { chosenForAgent } from "./ChosenPolicy.ts"
import { changeResource, existing } from "./Change.ts"
import { answerCreated, answerOne, ifMatchRevision } from "./ConditionalRequest.ts"
import { requireOwnDrafts } from "./DraftChecks.ts"
import { issueToken } from "./EnrolmentTokens.ts"
import { LiveAgents } from "./LiveAgents.ts"
import { newId } from "./NewIds.ts"
import { requireInWorkspace } from "./NewPlace.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { preflight } from "./Preflight.ts"
import { notFound, refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { derivedIdempotency, idempotencyOf, submit } from "./Submission.ts"

type Stored = ResourceOf<"agent">

/** What people set of an agent. */
const settable = ({ id, labels, maintenance, name, policy, reload_interval_seconds, workspace_id }: Stored) => ({
  id,
  workspace_id,
  name,
  labels,
  maintenance,
  reload_interval_seconds,
  ...(policy === undefined ? {} : { policy })
})

const create = Effect.fnUntraced(function* (agent: AgentCreate, idempotency: Idempotency | null) {
  yield* requireInWorkspace("agent:write", agent.workspace_id)
  const id = yield* newId(AgentId)
  return yield* submit(
    { _tag: "SaveAgent", mode: "create", if_match: null, agent: chosenForAgent({ id, ...agent }) },
    idempotency
  )
})

export const layerAgents = HttpApiBuilder.group(
  NxMeshApi,
  "agents",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    const engine = yield* ConfigEngine
    const live = yield* LiveAgents
    return handlers.handleAll({
      list: Effect.fn("agents.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        const { state, ...stored } = query
        const asked = { ...listQueryOf(stored), within: yield* visibleScopes("agent:read") }
        const found = state === undefined ? yield* reads.list("agent", asked) : yield* agentsInState(state, asked)
        const items = yield* Effect.forEach(found.items, agentView)
        return yield* answerPage(query, { items, total: found.total }, index)
      }),
      create: Effect.fn("agents.create")(function* ({ headers, payload }) {
        const accepted = yield* create(
          payload,
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "agents", payload })
        )
        return yield* answerCreated(yield* agentView(accepted.value as Stored), accepted.index, "agents")
      }),
      get: Effect.fn("agents.get")(function* ({ params }) {
        const index = yield* reads.appliedIndex
        return yield* answerOne(yield* agentView(yield* existing("agent", params.id)), index)
      }),
      change: Effect.fn("agents.change")(function* ({ headers, params, payload }) {
        const accepted = yield* changeResource({
          kind: "agent",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) =>
            Effect.succeed({
              _tag: "SaveAgent",
              mode: "update",
              if_match: current.revision,
              agent: chosenForAgent({ ...settable(current), ...payload })
            })
        })
        return yield* answerOne(yield* agentView(accepted.value as Stored), accepted.index)
      }),
      remove: Effect.fn("agents.remove")(function* ({ headers, params }) {
        yield* existing("agent", params.id, "agent:delete")
        yield* submit({ _tag: "DeleteAgent", id: params.id, if_match: ifMatchRevision(headers["if-match"]) })
      }),
      register: Effect.fn("agents.register")(function* ({ headers, payload }) {
        const { ttl_seconds, ...agent } = payload
        const key = idempotencyOf(headers["idempotency-key"], { method: "POST", path: "agents/register", payload })
        const accepted = yield* create(agent, key)
        const stored = accepted.value as Stored
        const token = yield* issueToken(stored.id, ttl_seconds, derivedIdempotency(key, "token"))
        yield* answerHeaders({
          location: `/api/v1/agents/${stored.id}`,
          "cache-control": "no-store",
          ...indexHeader(token.index)
        })
        return { data: { agent: yield* agentView(stored), token: token.issued } }
      }),
      tokens: Effect.fn("agents.tokens")(function* ({ params, query }) {
        const index = yield* reads.appliedIndex
        yield* existing("agent", params.id, "agent:write")
        const all = yield* reads.enrolmentTokens(params.id)
        const first = (query.page - 1) * query.per_page
        const items = all.slice(first, first + query.per_page)
        return yield* answerPage(query, { items, total: all.length }, index)
      }),
      createToken: Effect.fn("agents.createToken")(function* ({ headers, params, payload }) {
        const key = idempotencyOf(headers["idempotency-key"], {
          method: "POST",
          path: `agents/${params.id}/tokens`,
          payload
        })
        yield* existing("agent", params.id, "agent:write")
        const { index, issued } = yield* issueToken(params.id, payload.ttl_seconds, key)
        yield* answerHeaders({
          location: `/api/v1/agents/${params.id}/tokens/${issued.id}`,
          "cache-control": "no-store",
          ...indexHeader(index)
        })
        return { data: issued }
      }),
      revokeToken: Effect.fn("agents.revokeToken")(function* ({ params }) {
        yield* existing("agent", params.id, "agent:write")
        const tokens = yield* reads.enrolmentTokens(params.id)
        if (!tokens.some(({ id }) => id === params.token_id)) {
          return yield* Effect.fail(notFound("enrolment token", params.token_id))
        }
        yield* submit({ _tag: "RevokeEnrolmentToken", id: params.token_id })
      }),
      preview: Effect.fn("agents.preview")(function* ({ params }) {
        yield* existing("agent", params.id, "config:read")
        return { data: yield* engine.preview(params.id, []).pipe(Effect.mapError(() => notFound("agent", params.id))) }
      }),
      previewDrafts: Effect.fn("agents.previewDrafts")(function* ({ params, payload }) {
        yield* existing("agent", params.id, "config:read")
        yield* requireOwnDrafts("config:read", payload.drafts)
        const preview = engine.preview(params.id, payload.drafts)
        return { data: yield* preview.pipe(Effect.mapError(() => notFound("agent", params.id))) }
      }),
      preflight: Effect.fn("agents.preflight")(function* ({ params, payload }) {
        yield* existing("agent", params.id, "config:write")
        yield* requireOwnDrafts("config:write", payload.drafts)
        return { data: yield* preflight(params.id, resourceDrafts(payload.drafts)) }
      }),
      act,
      actions: listActions,
      action: getAction,
      deploy: Effect.fn("agents.deploy")(function* ({ params }) {
        const stored = yield* existing("agent", params.id, "config:deploy")
        const asked = yield* live
          .deployAgain(params.id)
          .pipe(Effect.mapError(({ message }) => refuse("UNAVAILABLE", `The agent was not told: ${message}`)))
        if (!asked) {
          return yield* Effect.fail(
            refuse("CONFLICT", "The agent is not connected: it will be given its configuration when it connects")
          )
        }
        return { data: yield* agentView(stored) }
      })
    })
  })
)
