/**
 * What somebody may do, as the state has it: read at every request and by apply, microseconds each, so that no cache has to be
 * told when it changes.
 */
import type { GroupId, OrganizationId, UserId, WorkspaceId } from "@nxmesh/protocol/Ids"
import {
  type Access,
  effectiveAt,
  type Grant,
  installation,
  narrowed,
  scopeOf,
  withVisibility
} from "@nxmesh/protocol/model/Access"
import { type Permission, Role, rolePermissions } from "@nxmesh/protocol/model/Permission"
import type { BindingSubject, RoleBinding } from "@nxmesh/protocol/model/RoleBinding"
import type { RoleReference } from "@nxmesh/protocol/model/Role"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Schema } from "effect"
import type { Connection } from "./Connection.ts"
import { clusterVersion } from "./ReadCluster.ts"
import { apiKey, limitsOf } from "./ReadServiceAccounts.ts"
import { findResource } from "./Resources.ts"

/** The cluster version that has the tables. */
const since = 4

export const keepsBindings = (connection: Connection): boolean => clusterVersion(connection) >= since

export const isBuiltIn: (role: RoleReference) => role is Role = Schema.is(Role)

/** None of a role that is gone. */
export const permissionsOf = (connection: Connection, role: RoleReference): ReadonlyArray<Permission> =>
  isBuiltIn(role) ? rolePermissions[role] : (findResource(connection, "role", role)?.permissions ?? [])

export const bindingsOf = (connection: Connection, { id, kind }: BindingSubject): ReadonlyArray<RoleBinding> =>
  connection
    .all<{ readonly data: string }>(
      "SELECT data FROM role_bindings WHERE subject_kind = ? AND subject_id = ? ORDER BY id",
      kind,
      id
    )
    .map(({ data }) => JSON.parse(data) as RoleBinding)

export const groupsOf = (connection: Connection, userId: UserId): ReadonlyArray<GroupId> =>
  connection
    .all<{ readonly group_id: GroupId }>(
      "SELECT group_id FROM group_members WHERE user_id = ? ORDER BY group_id",
      userId
    )
    .map(({ group_id }) => group_id)

/** What the binding gives. */
export const grantOf = (
  connection: Connection,
  binding: Pick<RoleBinding, "role" | "organization_id" | "workspace_id">
): Grant => {
  const scope = scopeOf(binding)
  return { scope, permissions: effectiveAt(scope, permissionsOf(connection, binding.role)) }
}

const roleGrants = (role: Role | null | undefined): Access =>
  role === null || role === undefined ? [] : [{ scope: installation, permissions: new Set(rolePermissions[role]) }]

/** What is given to somebody in so many words: to a user also through their groups. Whether the account stands is not asked. */
export const grantsOfSubject = (connection: Connection, subject: BindingSubject): Access => {
  const own = subject.kind === "user" ? roleGrants(findResource(connection, "user", subject.id)?.role) : []
  if (!keepsBindings(connection)) return own
  const groups = subject.kind === "user" ? groupsOf(connection, subject.id) : []
  const subjects = [subject, ...groups.map((id) => ({ kind: "group" as const, id }))]
  return [
    ...own,
    ...subjects.flatMap((each) => bindingsOf(connection, each).map((binding) => grantOf(connection, binding)))
  ]
}

/** Who the principal is among those that bindings name. */
export const subjectOf = (principal: Principal): BindingSubject | undefined => {
  switch (principal._tag) {
    case "User":
      return { kind: "user", id: principal.user_id }
    case "ServiceAccount":
      return { kind: "service_account", id: principal.service_account_id }
    default:
      return undefined
  }
}

/** What the key leaves of its account's access: nothing, when it is gone or another's. */
const leftByKey = (connection: Connection, principal: Principal, access: Access): Access => {
  if (principal._tag !== "ServiceAccount") return access
  const key = apiKey(connection, principal.api_key_id)
  return key?.service_account_id === principal.service_account_id ? narrowed(access, limitsOf(key)) : []
}

/** What is given to the principal, without what follows from it: nobody can give more than this away. */
export const grantsOf = (connection: Connection, principal: Principal): Access => {
  const subject = subjectOf(principal)
  return subject === undefined ? [] : leftByKey(connection, principal, grantsOfSubject(connection, subject))
}

/** Everything that the principal may do. */
export const accessOf = (connection: Connection, principal: Principal): Access => {
  const subject = subjectOf(principal)
  if (subject === undefined) return []
  const whole = withVisibility(
    grantsOfSubject(connection, subject),
    (id) => findResource(connection, "organization", id)?.settings.cross_workspace_visibility === true
  )
  return leftByKey(connection, principal, whole)
}

/** Whether somebody is left who may do everything: an enabled person with the built-in role admin, at the installation. */
export const hasAdministrator = (connection: Connection): boolean => {
  const byRole = "SELECT 1 AS found FROM users WHERE role = 'admin' AND disabled = 0 LIMIT 1"
  if (connection.get(byRole) !== undefined) return true
  if (!keepsBindings(connection)) return false
  return (
    connection.get(
      `SELECT 1 AS found FROM role_bindings b
       LEFT JOIN group_members m ON b.subject_kind = 'group' AND m.group_id = b.subject_id
       JOIN users u ON u.id = CASE b.subject_kind WHEN 'user' THEN b.subject_id ELSE m.user_id END
       WHERE b.role = 'admin' AND b.organization_id = '' AND u.disabled = 0 LIMIT 1`
    ) !== undefined
  )
}

export const organizationOfWorkspace = (connection: Connection, id: WorkspaceId): OrganizationId | undefined =>
  findResource(connection, "workspace", id)?.organization_id
