/** Programs that use the API, and their keys (SF-001). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { ApiKeyId, OrganizationId, ServiceAccountId } from "../Ids.ts"
import {
  ApiKey,
  ApiKeyCreate,
  IssuedApiKey,
  ServiceAccount,
  ServiceAccountCreate,
  ServiceAccountPatch
} from "../model/ServiceAccount.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { filterText, listQuery, pageQuery } from "./ListQuery.ts"
import { answerHeaders, exampleId, idempotencyKey } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: ServiceAccountId,
  resource: ServiceAccount,
  create: ServiceAccountCreate,
  patch: ServiceAccountPatch,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    organization_id: Schema.optionalKey(OrganizationId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "access:read", write: "access:write", remove: "access:write" },
  example: { organization_id: exampleId, name: "deploys", description: "The pipeline that deploys" }
} as const

const params = { id: ServiceAccountId }
const { location, "x-nxmesh-index": index } = answerHeaders

export class ServiceAccountsApi extends HttpApiGroup.make("serviceAccounts")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...itemEndpoints(schemas),
    HttpApiEndpoint.get("keys", "/:id/keys", {
      params,
      query: pageQuery,
      success: page(ApiKey),
      error: ApiErrors
    }).annotateMerge(demands("access:read", { headers: { "x-nxmesh-index": index } })),
    HttpApiEndpoint.post("createKey", "/:id/keys", {
      params,
      headers: idempotencyKey,
      payload: ApiKeyCreate,
      success: one(IssuedApiKey).pipe(HttpApiSchema.status(201)),
      error: ApiErrors
    }).annotateMerge(
      demands("access:write", {
        headers: { location, "x-nxmesh-index": index },
        example: { name: "pipeline", permissions: ["config:read", "config:write"], expires_in_seconds: 7_776_000 }
      })
    ),
    HttpApiEndpoint.delete("revokeKey", "/:id/keys/:key_id", {
      params: { ...params, key_id: ApiKeyId },
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands("access:write"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/service-accounts") {}
