/** Roles that people make (SF-001): a name for a set of permissions, beside the built-in ones of `Permission.ts`. */
import { Schema } from "effect"
import { OrganizationId, RoleId } from "../Ids.ts"
import { Permission, Role } from "./Permission.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Description, eachOnce, Name } from "./Text.ts"

const permissions = Schema.Array(Permission).check(Schema.isMinLength(1), eachOnce("must not name a permission twice"))
const fields = { name: Name, description: Description, permissions }
/** Where it may be bound: anywhere in this organization; `null`: anywhere. */
const home = Schema.NullOr(OrganizationId)

export const CustomRole = Schema.Struct({ id: RoleId, organization_id: home, ...fields, ...stamps }).annotate({
  identifier: "Role"
})
export type CustomRole = typeof CustomRole.Type
export const RoleCreate = Schema.Struct({
  organization_id: withDefault(home, null),
  ...fields,
  description: withDefault(Description, "")
}).annotate({ identifier: "RoleCreate" })
export type RoleCreate = typeof RoleCreate.Type
export const RolePatch = patch(fields).annotate({ identifier: "RolePatch" })
export type RolePatch = typeof RolePatch.Type

/** A built-in role by its name, or another by its id. */
export const RoleReference = Schema.Union([Role, RoleId])
export type RoleReference = typeof RoleReference.Type

export const BuiltInRole = Schema.Struct({ name: Role, permissions: Schema.Array(Permission) }).annotate({
  identifier: "BuiltInRole"
})
