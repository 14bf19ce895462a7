/** Agents, their enrolment tokens and what they serve (CF-002). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { ActionId, AgentId, EnrolmentTokenId, WorkspaceId } from "../Ids.ts"
import { ActionRecord, ActionRequest } from "../model/ActionRecord.ts"
import {
  Agent,
  AgentCreate,
  AgentPatch,
  AgentState,
  EnrolmentToken,
  EnrolmentTokenCreate,
  IssuedEnrolmentToken
} from "../model/Agent.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { filterText, listQuery, pageQuery } from "./ListQuery.ts"
import { PreflightReport } from "./Preflight.ts"
import { Preview, PreviewRequest } from "./Preview.ts"
import { exampleId, idempotencyKey } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: AgentId,
  resource: Agent,
  create: AgentCreate,
  patch: AgentPatch,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText),
    state: Schema.optionalKey(AgentState),
    /** `key=value`, several separated by commas; all must match. */
    labels: Schema.optionalKey(
      filterText.check(
        Schema.isPattern(/^[^=,]+=[^=,]*(,[^=,]+=[^=,]*)*$/, { message: "must be key=value pairs separated by commas" })
      )
    )
  }),
  permissions: { read: "agent:read", write: "agent:write", remove: "agent:delete" },
  example: { workspace_id: exampleId, name: "edge-1", labels: { env: "prod", region: "us-east" } }
} as const

/** A new agent and the token it enrols with, in one call. */
export const AgentRegistration = Schema.Struct({
  ...AgentCreate.fields,
  ...EnrolmentTokenCreate.fields
}).annotate({ identifier: "AgentRegistration" })

export const RegisteredAgent = Schema.Struct({ agent: Agent, token: IssuedEnrolmentToken }).annotate({
  identifier: "RegisteredAgent"
})

const agentParams = { id: AgentId }

export class AgentsApi extends HttpApiGroup.make("agents")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...itemEndpoints(schemas),
    HttpApiEndpoint.post("register", "/register", {
      headers: idempotencyKey,
      payload: AgentRegistration,
      success: one(RegisteredAgent).pipe(HttpApiSchema.status(201)),
      error: ApiErrors
    }).annotateMerge(demands("agent:write")),
    HttpApiEndpoint.get("tokens", "/:id/tokens", {
      params: agentParams,
      query: pageQuery,
      success: page(EnrolmentToken),
      error: ApiErrors
    }).annotateMerge(demands("agent:write")),
    HttpApiEndpoint.post("createToken", "/:id/tokens", {
      params: agentParams,
      headers: idempotencyKey,
      payload: EnrolmentTokenCreate,
      success: one(IssuedEnrolmentToken).pipe(HttpApiSchema.status(201)),
      error: ApiErrors
    }).annotateMerge(demands("agent:write")),
    HttpApiEndpoint.delete("revokeToken", "/:id/tokens/:token_id", {
      params: { ...agentParams, token_id: EnrolmentTokenId },
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands("agent:write")),
    HttpApiEndpoint.get("preview", "/:id/preview", {
      params: agentParams,
      success: one(Preview),
      error: ApiErrors
    }).annotateMerge(demands("config:read")),
    HttpApiEndpoint.post("previewDrafts", "/:id/preview", {
      params: agentParams,
      payload: PreviewRequest,
      success: one(Preview),
      error: ApiErrors
    }).annotateMerge(demands("config:read")),
    /** Needs `config:snippet` too where a draft has raw directives. */
    HttpApiEndpoint.post("preflight", "/:id/preflight", {
      params: agentParams,
      payload: PreviewRequest,
      success: one(PreflightReport),
      error: ApiErrors
    }).annotateMerge(demands("config:write")),
    /** Needs `agent:write` for everything but `reload` and `test`. */
    HttpApiEndpoint.post("act", "/:id/actions", {
      params: agentParams,
      headers: idempotencyKey,
      payload: ActionRequest,
      success: one(ActionRecord),
      error: ApiErrors
    }).annotateMerge(demands("agent:reload", { example: { action: "reload" } })),
    HttpApiEndpoint.get("actions", "/:id/actions", {
      params: agentParams,
      query: pageQuery,
      success: page(ActionRecord),
      error: ApiErrors
    }).annotateMerge(demands("agent:read")),
    HttpApiEndpoint.get("action", "/:id/actions/:action_id", {
      params: { ...agentParams, action_id: ActionId },
      success: one(ActionRecord),
      error: ApiErrors
    }).annotateMerge(demands("agent:read")),
    HttpApiEndpoint.post("deploy", "/:id/deploy", {
      params: agentParams,
      success: one(Agent).pipe(HttpApiSchema.status(202)),
      error: ApiErrors
    }).annotateMerge(demands("config:deploy"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/agents") {}
