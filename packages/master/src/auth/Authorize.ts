/** Whether a request may go on, as a pure function of what the endpoint demands and who asks. */
import type { Demand } from "@nxmesh/protocol/api/Authentication"
import { type Access, allowsSomewhere } from "@nxmesh/protocol/model/Access"
import { type Permission, type Role, rolePermissions } from "@nxmesh/protocol/model/Permission"

export type Decision =
  | { readonly _tag: "Allowed" }
  /** It is held nowhere. */
  | { readonly _tag: "Missing"; readonly permission: Permission }
  /** The endpoint says nothing of what it demands, which is a mistake of ours: nobody gets in. */
  | { readonly _tag: "Undeclared" }

/** What a built-in role of the whole installation allows. */
export const accessOfRole = (role: Role): Access => [
  { scope: { _tag: "Installation" }, permissions: new Set(rolePermissions[role]) }
]

export const authorize = (demand: Demand | undefined, access: Access): Decision => {
  if (demand === undefined) return { _tag: "Undeclared" }
  if (demand === null || demand === "authenticated" || allowsSomewhere(access, demand)) return { _tag: "Allowed" }
  return { _tag: "Missing", permission: demand }
}
