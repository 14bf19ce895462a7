/** Workspaces across organizations (CF-001, MF-001). */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { OrganizationId, WorkspaceId } from "../Ids.ts"
import { Workspace, WorkspaceCreate, WorkspacePatch } from "../model/Organization.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: WorkspaceId,
  resource: Workspace,
  create: Schema.Struct({ organization_id: OrganizationId, ...WorkspaceCreate.fields }).annotate({
    identifier: "WorkspaceCreateInOrganization"
  }),
  patch: WorkspacePatch,
  query: listQuery(["name", "slug", "created_at", "updated_at"], "name", {
    organization_id: Schema.optionalKey(OrganizationId),
    name: Schema.optionalKey(filterText),
    slug: Schema.optionalKey(filterText)
  }),
  permissions: { read: "workspace:read", write: "workspace:write", remove: "workspace:delete" },
  example: { organization_id: exampleId, name: "Production", slug: "production" }
} as const

export class WorkspacesApi extends HttpApiGroup.make("workspaces")
  .add(listEndpoint(schemas), createEndpoint(schemas), ...itemEndpoints(schemas))
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/workspaces") {}
