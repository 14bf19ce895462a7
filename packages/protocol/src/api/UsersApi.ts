/** People (SF-001), and what each may see and change of themselves. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId, UserId, WorkspaceId } from "../Ids.ts"
import { Permission, Role } from "../model/Permission.ts"
import { PasswordChange, User, UserCreate, UserPatch } from "../model/User.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: UserId,
  resource: User,
  create: UserCreate,
  patch: UserPatch,
  query: listQuery(["email", "name", "created_at", "updated_at"], "email", {
    email: Schema.optionalKey(filterText),
    role: Schema.optionalKey(Role)
  }),
  permissions: { read: "user:read", write: "user:write", remove: "user:delete" },
  example: { email: "ada@example.com", name: "Ada", role: "operator", password: "at least twelve characters" }
} as const

/** What is held where: in a workspace, in an organization with all its workspaces, or (both `null`) everywhere. */
export const HeldGrant = Schema.Struct({
  organization_id: Schema.NullOr(OrganizationId),
  workspace_id: Schema.NullOr(WorkspaceId),
  permissions: Schema.Array(Permission)
}).annotate({ identifier: "HeldGrant" })
export type HeldGrant = typeof HeldGrant.Type

/** The person who asks, with what they may do: a client shows what can be done. */
export const Me = Schema.Struct({
  ...User.fields,
  /** Held somewhere. */
  permissions: Schema.Array(Permission),
  /** Held where. */
  grants: Schema.Array(HeldGrant)
}).annotate({ identifier: "Me" })

export class UsersApi extends HttpApiGroup.make("users")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...itemEndpoints(schemas),
    HttpApiEndpoint.get("me", "/me", { success: one(Me), error: ApiErrors }).annotateMerge(demands("authenticated")),
    HttpApiEndpoint.post("changePassword", "/me/password", {
      payload: PasswordChange,
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands("authenticated"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/users") {}
