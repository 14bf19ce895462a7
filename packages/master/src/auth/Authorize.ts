/** Whether a request may go on, as a pure function of what the endpoint demands and who asks. */
import type { Demand } from "@nxmesh/protocol/api/Authentication"
import { type Permission, permits, type Role } from "@nxmesh/protocol/model/Permission"

export type Decision =
  | { readonly _tag: "Allowed" }
  /** The role lacks this permission. */
  | { readonly _tag: "Missing"; readonly permission: Permission }
  /** The endpoint says nothing of what it demands, which is a mistake of ours: nobody gets in. */
  | { readonly _tag: "Undeclared" }

export const authorize = (demand: Demand | undefined, role: Role): Decision => {
  if (demand === undefined) return { _tag: "Undeclared" }
  if (demand === null || demand === "authenticated" || permits(role, demand)) return { _tag: "Allowed" }
  return { _tag: "Missing", permission: demand }
}
