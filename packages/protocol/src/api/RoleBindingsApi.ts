/** Who holds which role where (SF-001). Bindings are made and deleted, never changed. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId, RoleBindingId, WorkspaceId } from "../Ids.ts"
import { RoleReference } from "../model/Role.ts"
import { RoleBinding, RoleBindingCreate } from "../model/RoleBinding.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { listQuery } from "./ListQuery.ts"
import { exampleId, ifMatch } from "./Requests.ts"
import { createEndpoint, getEndpoint, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: RoleBindingId,
  resource: RoleBinding,
  create: RoleBindingCreate,
  query: listQuery(["created_at", "updated_at"], "created_at", {
    organization_id: Schema.optionalKey(OrganizationId),
    workspace_id: Schema.optionalKey(WorkspaceId),
    subject_kind: Schema.optionalKey(Schema.Literals(["user", "group", "service_account"])),
    subject_id: Schema.optionalKey(Schema.String.check(Schema.isUUID())),
    role: Schema.optionalKey(RoleReference)
  }),
  permissions: { read: "access:read", write: "access:write" },
  example: { subject: { kind: "user", id: exampleId }, role: "operator", workspace_id: exampleId }
} as const

export class RoleBindingsApi extends HttpApiGroup.make("roleBindings")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    getEndpoint(schemas),
    HttpApiEndpoint.delete("remove", "/:id", {
      params: { id: RoleBindingId },
      headers: ifMatch,
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands("access:write"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/role-bindings") {}
