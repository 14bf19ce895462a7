/**
 * Who may do what where (SF-001), as values: what somebody holds, what a request touches, and the one function that decides.
 * The API's door, apply and the console ask the same function, so that they cannot disagree.
 */
import type { OrganizationId, WorkspaceId } from "../Ids.ts"
import type { Permission } from "./Permission.ts"

/** Where a permission holds: everywhere, in an organization with all its workspaces, or in one workspace. */
export type Scope =
  | { readonly _tag: "Installation" }
  | { readonly _tag: "Organization"; readonly organizationId: OrganizationId }
  | { readonly _tag: "Workspace"; readonly organizationId: OrganizationId; readonly workspaceId: WorkspaceId }

export interface Grant {
  readonly scope: Scope
  readonly permissions: ReadonlySet<Permission>
}

/** Everything that somebody may do: of their own bindings and those of their groups. */
export type Access = ReadonlyArray<Grant>

/** Whether what holds at `granted` holds at `asked`. */
export const covers = (granted: Scope, asked: Scope): boolean => {
  switch (granted._tag) {
    case "Installation":
      return true
    case "Organization":
      return asked._tag !== "Installation" && asked.organizationId === granted.organizationId
    case "Workspace":
      return asked._tag === "Workspace" && asked.workspaceId === granted.workspaceId
  }
}

export const allows = (access: Access, permission: Permission, scope: Scope): boolean =>
  access.some((grant) => grant.permissions.has(permission) && covers(grant.scope, scope))

/** Whether it is held anywhere at all: what the door asks before it is known which resource is meant. */
export const allowsSomewhere = (access: Access, permission: Permission): boolean =>
  access.some(({ permissions }) => permissions.has(permission))
