/** Roles of people, groups and bindings: since cluster version 4. */

const stamped =
  "id TEXT PRIMARY KEY, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, revision INTEGER NOT NULL, data TEXT NOT NULL"

/** `organization_id` is empty for the installation: NULLs are never equal to each other in a UNIQUE. */
export const accessTables = `
CREATE TABLE roles (${stamped}, organization_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, UNIQUE (organization_id, name)) STRICT;
CREATE TABLE user_groups (${stamped}, organization_id TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, UNIQUE (organization_id, name)) STRICT;
CREATE TABLE group_members (user_id TEXT NOT NULL, group_id TEXT NOT NULL, PRIMARY KEY (user_id, group_id)) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_group ON group_members (group_id);
CREATE TABLE role_bindings (${stamped}, subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, role TEXT NOT NULL,
  organization_id TEXT NOT NULL, workspace_id TEXT NOT NULL, provider TEXT NOT NULL,
  UNIQUE (subject_kind, subject_id, role, organization_id, workspace_id, provider)) STRICT;
CREATE INDEX role_bindings_by_role ON role_bindings (role);
CREATE INDEX role_bindings_by_organization ON role_bindings (organization_id, workspace_id);
`
