/** Organizations and the workspaces in them (CF-001). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId } from "../Ids.ts"
import {
  Organization,
  OrganizationCreate,
  OrganizationPatch,
  Workspace,
  WorkspaceCreate
} from "../model/Organization.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { idempotencyKey } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const columns = ["name", "slug", "created_at", "updated_at"] as const

const schemas = {
  id: OrganizationId,
  resource: Organization,
  create: OrganizationCreate,
  patch: OrganizationPatch,
  query: listQuery(columns, "name", {
    name: Schema.optionalKey(filterText),
    slug: Schema.optionalKey(filterText)
  }),
  permissions: { read: "organization:read", write: "organization:write", remove: "organization:delete" },
  example: { name: "Acme", slug: "acme" }
} as const

export class OrganizationsApi extends HttpApiGroup.make("organizations")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...itemEndpoints(schemas),
    HttpApiEndpoint.get("workspaces", "/:id/workspaces", {
      params: { id: OrganizationId },
      query: listQuery(columns, "name", {
        name: Schema.optionalKey(filterText),
        slug: Schema.optionalKey(filterText)
      }),
      success: page(Workspace),
      error: ApiErrors
    }).annotateMerge(demands("workspace:read")),
    HttpApiEndpoint.post("createWorkspace", "/:id/workspaces", {
      params: { id: OrganizationId },
      headers: idempotencyKey,
      payload: WorkspaceCreate,
      success: one(Workspace).pipe(HttpApiSchema.status(201)),
      error: ApiErrors
    }).annotateMerge(demands("workspace:write"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/organizations") {}
