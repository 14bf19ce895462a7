/** What somebody may do, as the API says it. Pure. */
import type { HeldGrant } from "@nxmesh/protocol/api/UsersApi"
import type { Access } from "@nxmesh/protocol/model/Access"
import { Permission } from "@nxmesh/protocol/model/Permission"

/** In the order in which the API lists permissions. */
const ordered = (held: ReadonlySet<Permission>) => Permission.literals.filter((permission) => held.has(permission))

export const heldSomewhere = (access: Access): ReadonlyArray<Permission> =>
  ordered(new Set(access.flatMap(({ permissions }) => [...permissions])))

/** One for each place, whatever number of bindings it comes from. */
export const grantsView = (access: Access): ReadonlyArray<HeldGrant> => {
  const places = new Map<string, HeldGrant & { readonly held: Set<Permission> }>()
  for (const { permissions, scope } of access) {
    const organization_id = scope._tag === "Installation" ? null : scope.organizationId
    const workspace_id = scope._tag === "Workspace" ? scope.workspaceId : null
    const key = workspace_id ?? organization_id ?? ""
    const place = places.get(key) ?? { organization_id, workspace_id, permissions: [], held: new Set() }
    permissions.forEach((permission) => place.held.add(permission))
    places.set(key, place)
  }
  return [...places.values()].map(({ held, ...place }) => ({ ...place, permissions: ordered(held) }))
}
