/** Groups of people (SF-001). */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { GroupId, OrganizationId } from "../Ids.ts"
import { Group, GroupCreate, GroupPatch } from "../model/Group.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: GroupId,
  resource: Group,
  create: GroupCreate,
  patch: GroupPatch,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    organization_id: Schema.optionalKey(OrganizationId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "access:read", write: "access:write", remove: "access:write" },
  example: { name: "On call", members: [exampleId] }
} as const

export class GroupsApi extends HttpApiGroup.make("groups")
  .add(listEndpoint(schemas), createEndpoint(schemas), ...itemEndpoints(schemas))
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/groups") {}
