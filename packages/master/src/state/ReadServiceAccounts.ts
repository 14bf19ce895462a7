/** Programs' keys: what is stored of them, and what a key leaves of its account's rights. */
import type { OrganizationId, ServiceAccountId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Scope } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import type { ApiKey, ApiKeyContent } from "@nxmesh/protocol/model/ServiceAccount"
import type { Connection } from "./Connection.ts"
import { clusterVersion } from "./ReadCluster.ts"
import { findResource } from "./Resources.ts"

export interface StoredApiKey extends ApiKey {
  readonly secret_hash: string
}

interface Row {
  readonly secret_hash: string
  readonly created_at: string
  readonly last_used_at: string | null
  readonly last_used_from: string | null
  readonly data: string
}

const columns = "secret_hash, created_at, last_used_at, last_used_from, data"

const keyOf = ({ data, ...row }: Row): StoredApiKey => ({ ...(JSON.parse(data) as ApiKeyContent), ...row })

/** The tables are there. */
export const hasApiKeys = (connection: Connection): boolean => clusterVersion(connection) >= 4

export const apiKey = (connection: Connection, id: string): StoredApiKey | undefined => {
  if (!hasApiKeys(connection)) return undefined
  const row = connection.get<Row>(`SELECT ${columns} FROM api_keys WHERE id = ?`, id)
  return row === undefined ? undefined : keyOf(row)
}

/** The newest first. */
export const apiKeysOf = (connection: Connection, accountId: ServiceAccountId): ReadonlyArray<StoredApiKey> =>
  connection
    .all<Row>(
      `SELECT ${columns} FROM api_keys WHERE service_account_id = ? ORDER BY created_at DESC, id DESC`,
      accountId
    )
    .map(keyOf)

/** To what a key is narrowed, whatever its account may do besides. */
export interface KeyLimits {
  /** `null`: every permission that the account has. */
  readonly permissions: ReadonlySet<Permission> | null
  /** `null`: wherever the account is allowed. */
  readonly scope: Scope | null
}

const scopeOf = (organizationId: OrganizationId | null, workspaceId: WorkspaceId | null): Scope | null => {
  if (organizationId === null) return null
  return workspaceId === null
    ? { _tag: "Organization", organizationId }
    : { _tag: "Workspace", organizationId, workspaceId }
}

export const limitsOf = ({
  organization_id,
  permissions,
  workspace_id
}: Pick<ApiKey, "organization_id" | "permissions" | "workspace_id">): KeyLimits => ({
  permissions: permissions === null ? null : new Set(permissions),
  scope: scopeOf(organization_id, workspace_id)
})

/** What the key leaves of the account's rights; `undefined` when account or key do not stand at this time. */
export const keyAccess = (
  connection: Connection,
  accountId: ServiceAccountId,
  keyId: string,
  atMillis: number
): KeyLimits | undefined => {
  const key = apiKey(connection, keyId)
  if (key === undefined || key.service_account_id !== accountId) return undefined
  if (key.expires_at !== null && Date.parse(key.expires_at) <= atMillis) return undefined
  const account = findResource(connection, "service_account", accountId)
  return account === undefined || account.disabled ? undefined : limitsOf(key)
}
