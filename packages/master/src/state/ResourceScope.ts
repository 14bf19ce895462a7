/** Where a resource is, and what reading it needs: the same for handlers, lists, watchers and apply. */
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { homeScope, installation, type Scope, scopeOf } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import type { Connection } from "./Connection.ts"
import type { ContentOf, Kind } from "./Kinds.ts"
import { findResource } from "./Resources.ts"

export const readPermissions: Readonly<Record<Kind, Permission>> = {
  organization: "organization:read",
  workspace: "workspace:read",
  agent: "agent:read",
  virtual_host: "config:read",
  upstream: "config:read",
  certificate: "certificate:read",
  template: "config:read",
  user: "user:read",
  role: "access:read",
  service_account: "access:read",
  group: "access:read",
  role_binding: "access:read",
  alert_rule: "alert:read",
  alert_silence: "alert:read",
  webhook: "alert:read",
  master: "cluster:read"
}

/** What changing and deleting needs, where it is not `<resource>:write` and `<resource>:delete`. */
const others: { readonly [K in Kind]?: { readonly write?: Permission; readonly remove?: Permission } } = {
  template: { write: "config:snippet" },
  role: { remove: "access:write" },
  group: { remove: "access:write" },
  role_binding: { remove: "access:write" },
  service_account: { remove: "access:write" },
  alert_rule: { remove: "alert:write" },
  alert_silence: { remove: "alert:write" },
  webhook: { remove: "alert:write" },
  master: { remove: "cluster:write" }
}

const sibling = (kind: Kind, action: "write" | "delete"): Permission =>
  readPermissions[kind].replace(/read$/, action) as Permission

export const writePermission = (kind: Kind): Permission => others[kind]?.write ?? sibling(kind, "write")
export const removePermission = (kind: Kind): Permission => others[kind]?.remove ?? sibling(kind, "delete")

/** `undefined`: there is no such workspace. */
export const scopeOfWorkspace = (connection: Connection, id: WorkspaceId): Scope | undefined => {
  const workspace = findResource(connection, "workspace", id)
  return workspace === undefined ? undefined : scopeOf({ organization_id: workspace.organization_id, workspace_id: id })
}

/** What the rules look at: whose a resource is stands in these fields, whatever its kind. */
interface Placed {
  readonly workspace_id?: WorkspaceId | null
  readonly organization_id?: Parameters<typeof homeScope>[0]
}

/** A resource whose workspace is gone is the installation's alone: nobody else is left to own it. */
export const scopeOfResource = <K extends Kind>(connection: Connection, kind: K, resource: ContentOf<K>): Scope => {
  if (kind === "organization") return homeScope((resource as ContentOf<"organization">).id)
  const { organization_id, workspace_id } = resource as Placed
  if (kind === "workspace")
    return scopeOf({ organization_id: organization_id ?? null, workspace_id: resource.id as WorkspaceId })
  if (workspace_id === undefined || workspace_id === null) return homeScope(organization_id)
  return scopeOfWorkspace(connection, workspace_id) ?? installation
}
