/** Where alerts are delivered. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId, WebhookId, WorkspaceId } from "../Ids.ts"
import { IssuedWebhook, Webhook, WebhookCreate, WebhookDelivery, WebhookPatch } from "../model/Webhook.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { filterText, listQuery, pageQuery } from "./ListQuery.ts"
import { idempotencyKey, ifMatch } from "./Requests.ts"
import { createdHeaders, itemEndpoints, listEndpoint, oneHeaders } from "./ResourceEndpoints.ts"

const schemas = {
  id: WebhookId,
  resource: Webhook,
  patch: WebhookPatch,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    organization_id: Schema.optionalKey(OrganizationId),
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "alert:read", write: "alert:write", remove: "alert:write" }
} as const

const example = { name: "On call", url: "https://alerts.example.com/nxmesh", severity_min: "warning" }

export class WebhooksApi extends HttpApiGroup.make("webhooks")
  .add(
    listEndpoint(schemas),
    HttpApiEndpoint.post("create", "/", {
      headers: idempotencyKey,
      payload: WebhookCreate,
      success: one(IssuedWebhook).pipe(HttpApiSchema.status(201)),
      error: ApiErrors
    }).annotateMerge(demands("alert:write", { headers: createdHeaders, example })),
    ...itemEndpoints(schemas),
    HttpApiEndpoint.post("replaceSecret", "/:id/secret", {
      params: { id: WebhookId },
      headers: ifMatch,
      success: one(IssuedWebhook),
      error: ApiErrors
    }).annotateMerge(demands("alert:write", { headers: oneHeaders })),
    HttpApiEndpoint.post("test", "/:id/test", {
      params: { id: WebhookId },
      headers: idempotencyKey,
      success: one(WebhookDelivery),
      error: ApiErrors
    }).annotateMerge(demands("alert:write")),
    HttpApiEndpoint.get("deliveries", "/:id/deliveries", {
      params: { id: WebhookId },
      query: pageQuery,
      success: page(WebhookDelivery),
      error: ApiErrors
    }).annotateMerge(demands("alert:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/webhooks") {}
