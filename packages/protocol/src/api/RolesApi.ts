/** Roles that people make, and the built-in ones (SF-001). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId, RoleId } from "../Ids.ts"
import { BuiltInRole, CustomRole, RoleCreate, RolePatch } from "../model/Role.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: RoleId,
  resource: CustomRole,
  create: RoleCreate,
  patch: RolePatch,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    organization_id: Schema.optionalKey(OrganizationId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "access:read", write: "access:write", remove: "access:write" },
  example: { name: "Deployer", permissions: ["agent:read", "config:read", "config:deploy"] }
} as const

export class RolesApi extends HttpApiGroup.make("roles")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...itemEndpoints(schemas),
    HttpApiEndpoint.get("builtIn", "/built-in", {
      success: one(Schema.Array(BuiltInRole)),
      error: ApiErrors
    }).annotateMerge(demands("access:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/roles") {}
