/** Groups of people (SF-001): what is bound to a group, each of its members holds. */
import { Schema } from "effect"
import { GroupId, OrganizationId, UserId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Description, eachOnce, Name } from "./Text.ts"

const members = Schema.Array(UserId).check(
  Schema.isMaxLength(Limits.groupMembersMax),
  eachOnce("must not name a user twice")
)
const fields = { name: Name, description: Description, members }
/** Whose group: bound in this organization alone; `null`: of the installation. */
const home = Schema.NullOr(OrganizationId)

export const Group = Schema.Struct({ id: GroupId, organization_id: home, ...fields, ...stamps }).annotate({
  identifier: "Group"
})
export type Group = typeof Group.Type
export const GroupCreate = Schema.Struct({
  organization_id: withDefault(home, null),
  ...fields,
  description: withDefault(Description, ""),
  members: withDefault(members, [])
}).annotate({ identifier: "GroupCreate" })
export type GroupCreate = typeof GroupCreate.Type
export const GroupPatch = patch(fields).annotate({ identifier: "GroupPatch" })
export type GroupPatch = typeof GroupPatch.Type
