/** Programs that use the API, and their keys. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { ApiKey, ApiKeyContent } from "@nxmesh/protocol/model/ServiceAccount"
import { Duration } from "effect"
import { Limits } from "../../Limits.ts"
import { grantsOfSubject } from "../ReadAccess.ts"
import { apiKey, apiKeysOf } from "../ReadServiceAccounts.ts"
import { findResource } from "../Resources.ts"
import { requireHoldsAll } from "./Escalation.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import { eraseBindingsOf } from "./RoleBindings.ts"
import { erase, replaced, required, requireUnique, resourceChanged, write } from "./Save.ts"
import { type Applied, timestampOf, type Transaction } from "./Transaction.ts"

const place = ({ organization_id }: { readonly organization_id: OrganizationId | null }) =>
  organization_id === null ? {} : { organization_id }

const requireRoom = ({ connection }: Transaction): void => {
  const found = connection.get<{ readonly count: number }>("SELECT count(*) AS count FROM service_accounts")
  if ((found?.count ?? 0) >= Limits.state.serviceAccountsMax) {
    refuse("CONFLICT", `there are ${found?.count} service accounts, and no more are kept: delete some first`)
  }
}

export const saveServiceAccount = (tx: Transaction, command: CommandOf<"SaveServiceAccount">): Applied => {
  const { service_account: account } = command
  const before = replaced(tx, "service_account", account.id, command)
  if (before !== undefined && before.organization_id !== account.organization_id) {
    refuseFields([{ field: "organization_id", message: "cannot change" }])
  }
  if (account.organization_id !== null) requireOrganization(tx, account.organization_id)
  requireUnique(tx, "service_account", account.id, "name", { home: account.organization_id ?? "", name: account.name })
  if (before === undefined) requireRoom(tx)
  const { after, changed } = write(tx, "service_account", before, account)
  return {
    value: after,
    events: changed ? [resourceChanged("service_account", after.id, command.mode, place(after))] : [],
    audit: { kind: "service_account", id: after.id, before: before ?? null, after }
  }
}

const requireOrganization = ({ connection }: Transaction, id: OrganizationId): void => {
  if (findResource(connection, "organization", id) === undefined) {
    refuseFields([{ field: "organization_id", message: "names no organization" }])
  }
}

/** Its keys and bindings go along. */
export const deleteServiceAccount = (tx: Transaction, command: CommandOf<"DeleteServiceAccount">): Applied => {
  const before = required(tx, "service_account", command.id, command.if_match)
  const gone = eraseBindingsOf(tx, { kind: "service_account", id: command.id })
  tx.connection.run("DELETE FROM api_keys WHERE service_account_id = ?", command.id)
  erase(tx, "service_account", command.id)
  return {
    value: null,
    events: [...gone, resourceChanged("service_account", command.id, "delete", place(before))],
    audit: { kind: "service_account", id: command.id, before, after: null }
  }
}

const requireKeyScope = (
  tx: Transaction,
  organizationId: OrganizationId | null,
  workspaceId: WorkspaceId | null
): void => {
  if (organizationId !== null) requireOrganization(tx, organizationId)
  if (workspaceId === null) return
  const workspace = findResource(tx.connection, "workspace", workspaceId)
  if (workspace === undefined || workspace.organization_id !== organizationId) {
    refuseFields([{ field: "workspace_id", message: "names no workspace of the organization" }])
  }
}

const forgetExpired = ({ connection, timestamp }: Transaction, accountId: string): void => {
  connection.run("DELETE FROM api_keys WHERE service_account_id = ? AND expires_at <= ?", accountId, timestamp)
}

export const createApiKey = (tx: Transaction, command: CommandOf<"CreateApiKey">): Applied => {
  const content: ApiKeyContent = command.api_key
  const account = required(tx, "service_account", content.service_account_id)
  // Whoever has a key can do what its account may.
  requireHoldsAll(tx, grantsOfSubject(tx.connection, { kind: "service_account", id: account.id }), "the key")
  requireKeyScope(tx, content.organization_id, content.workspace_id)
  forgetExpired(tx, account.id)
  const keys = apiKeysOf(tx.connection, account.id)
  if (keys.length >= Limits.state.apiKeysPerAccountMax) {
    refuse("CONFLICT", `this service account has ${keys.length} keys, and no more are kept: revoke some first`)
  }
  if (apiKey(tx.connection, content.id) !== undefined) refuse("CONFLICT", "this API key exists already")
  tx.connection.run(
    "INSERT INTO api_keys (id, service_account_id, secret_hash, created_at, expires_at, data) VALUES (?, ?, ?, ?, ?, ?)",
    content.id,
    account.id,
    command.secret_hash,
    tx.timestamp,
    content.expires_at,
    JSON.stringify(content)
  )
  const key: ApiKey = { ...content, created_at: tx.timestamp, last_used_at: null, last_used_from: null }
  return {
    value: { api_key: key, sealed_key: command.sealed_key },
    events: [resourceChanged("service_account", account.id, "update", place(account))],
    audit: { kind: "api_key", id: key.id, before: null, after: key }
  }
}

export const revokeApiKey = (tx: Transaction, command: CommandOf<"RevokeApiKey">): Applied => {
  const key = apiKey(tx.connection, command.id)
  if (key === undefined) return refuse("NOT_FOUND", `there is no API key ${command.id}`)
  const account = required(tx, "service_account", key.service_account_id)
  tx.connection.run("DELETE FROM api_keys WHERE id = ?", command.id)
  return {
    value: null,
    events: [resourceChanged("service_account", account.id, "update", place(account))],
    audit: { kind: "api_key", id: key.id, before: key, after: null }
  }
}

/** To the hour: a later one tells nobody more, and every master says the same. */
export const recordApiKeyUses = (tx: Transaction, command: CommandOf<"RecordApiKeyUses">): Applied => {
  const hourMillis = Duration.toMillis(Limits.auth.keyUseResolution)
  for (const { api_key_id, at_millis, remote_address } of command.uses) {
    const hour = timestampOf(Math.floor(Math.min(at_millis, tx.atMillis) / hourMillis) * hourMillis)
    tx.connection.run(
      "UPDATE api_keys SET last_used_at = ?, last_used_from = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)",
      hour,
      remote_address,
      api_key_id,
      hour
    )
  }
  return { value: null, events: [], audit: null }
}
