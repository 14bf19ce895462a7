/** Who may do what (SF-001): `resource:action`, and the built-in roles. Finer bindings extend this, they do not replace it. */
import { Schema } from "effect"

export const Permission = Schema.Literals([
  "organization:read",
  "organization:write",
  "organization:delete",
  "workspace:read",
  "workspace:write",
  "workspace:delete",
  "agent:read",
  /** Also every action that changes how nginx runs: start, stop, restart, rollback, upgrade_binary, maintenance. */
  "agent:write",
  /** The actions reload and test, which leave nginx as it is. */
  "agent:reload",
  "agent:delete",
  "config:read",
  /** Also preflights: what would be saved is tested by an agent. */
  "config:write",
  "config:deploy",
  "config:delete",
  /** Raw nginx directives: `snippet` of virtual hosts and locations, and custom templates. */
  "config:snippet",
  "certificate:read",
  "certificate:write",
  "certificate:delete",
  "user:read",
  "user:write",
  "user:delete",
  /** Roles, groups, bindings, service accounts and identity providers. */
  "access:read",
  "access:write",
  "audit:read",
  "metrics:read",
  /** Access and error logs: they tell of visitors. */
  "log:read",
  "alert:read",
  /** Rules, silences and where alerts are delivered. */
  "alert:write",
  "cluster:read",
  /** Who is a master, who leads, the freeze switch, join tokens. */
  "cluster:write"
])
export type Permission = typeof Permission.Type

export const Role = Schema.Literals(["admin", "operator", "viewer"])
export type Role = typeof Role.Type

/** What it takes to know that a thing is there at all on which the permission would act. */
export const readPermissionOf = (permission: Permission): Permission =>
  `${permission.slice(0, permission.indexOf(":"))}:read` as Permission

const all: ReadonlyArray<Permission> = Permission.literals

/** What each built-in role may do. An admin may do everything. */
export const rolePermissions: Readonly<Record<Role, ReadonlyArray<Permission>>> = {
  admin: all,
  operator: [
    "organization:read",
    "workspace:read",
    "agent:read",
    "agent:reload",
    "config:read",
    "config:write",
    "config:deploy",
    "config:delete",
    "certificate:read",
    "certificate:write",
    "metrics:read",
    "log:read",
    "alert:read",
    "alert:write",
    "cluster:read"
  ],
  viewer: [
    "organization:read",
    "workspace:read",
    "agent:read",
    "config:read",
    "certificate:read",
    "metrics:read",
    "log:read",
    "alert:read",
    "cluster:read"
  ]
}

export const permits = (role: Role, permission: Permission): boolean => rolePermissions[role].includes(permission)
