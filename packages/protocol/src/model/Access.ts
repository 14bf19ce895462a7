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

export const installation: Scope = { _tag: "Installation" }

/** Where a thing is that belongs to an organization, or to the installation as a whole (`null`). */
export const homeScope = (organizationId: OrganizationId | null | undefined): Scope =>
  organizationId === null || organizationId === undefined ? installation : { _tag: "Organization", organizationId }

/** Where a binding holds, as it is stored and as the API says it. */
export const scopeOf = (place: {
  readonly organization_id: OrganizationId | null
  readonly workspace_id: WorkspaceId | null
}): Scope =>
  place.organization_id !== null && place.workspace_id !== null
    ? { _tag: "Workspace", organizationId: place.organization_id, workspaceId: place.workspace_id }
    : homeScope(place.organization_id)

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

/** What of the permissions means anything there: masters belong to the installation alone. */
export const effectiveAt = (scope: Scope, permissions: Iterable<Permission>): ReadonlySet<Permission> =>
  new Set([...permissions].filter((permission) => scope._tag === "Installation" || !permission.startsWith("cluster:")))

/** A permission and where it would be given by somebody who does not hold it there; `null`: nothing exceeds what they hold. */
export const exceeding = (
  held: Access,
  given: Access
): { readonly permission: Permission; readonly scope: Scope } | null => {
  for (const { permissions, scope } of given) {
    for (const permission of permissions) if (!allows(held, permission, scope)) return { permission, scope }
  }
  return null
}

/** What a key leaves of the access of its account. `null` narrows nothing. */
export interface Narrowing {
  readonly permissions: ReadonlySet<Permission> | null
  readonly scope: Scope | null
}

/** Never more than `access`: the narrower of the two scopes, where one lies in the other. */
export const narrowed = (access: Access, { permissions, scope }: Narrowing): Access =>
  access.flatMap((grant) => {
    const place = scope === null || covers(scope, grant.scope) ? grant.scope : scope
    if (scope !== null && !covers(grant.scope, place)) return []
    const kept = [...grant.permissions].filter((permission) => permissions === null || permissions.has(permission))
    const effective = effectiveAt(place, kept)
    return effective.size === 0 ? [] : [{ scope: place, permissions: effective }]
  })

/** Where a permission is held, for the statement of a list. */
export type Visible =
  | "all"
  | { readonly organizationIds: ReadonlyArray<OrganizationId>; readonly workspaceIds: ReadonlyArray<WorkspaceId> }

export const visibleScopes = (access: Access, permission: Permission): Visible => {
  const organizationIds = new Set<OrganizationId>()
  const workspaceIds = new Set<WorkspaceId>()
  for (const { permissions, scope } of access) {
    if (!permissions.has(permission)) continue
    if (scope._tag === "Installation") return "all"
    if (scope._tag === "Organization") organizationIds.add(scope.organizationId)
    else workspaceIds.add(scope.workspaceId)
  }
  return { organizationIds: [...organizationIds], workspaceIds: [...workspaceIds] }
}

/** What reading a workspace's resources needs: these a member keeps in the organization's others where it shows them to all. */
const sharedReads: ReadonlyArray<Permission> = [
  "workspace:read",
  "agent:read",
  "config:read",
  "certificate:read",
  "metrics:read",
  "log:read",
  "alert:read"
]

/**
 * With what follows from a grant in a workspace: its organization may be read by whoever may read organizations, and, where the
 * organization says so (`cross_workspace_visibility`), what is read in the one workspace is read in the others.
 */
export const withVisibility = (granted: Access, isShared: (organizationId: OrganizationId) => boolean): Access => {
  const follows = granted.flatMap(({ permissions, scope }): ReadonlyArray<Grant> => {
    if (scope._tag !== "Workspace") return []
    const reads: ReadonlyArray<Permission> = [
      "organization:read",
      ...(isShared(scope.organizationId) ? sharedReads : [])
    ]
    const kept = new Set(reads.filter((permission) => permissions.has(permission)))
    return kept.size === 0 ? [] : [{ scope: homeScope(scope.organizationId), permissions: kept }]
  })
  return [...granted, ...follows]
}
