/**
 * Programs that use the API (SF-001): an account that bindings give rights to, and the keys by which it shows itself. A key
 * is shown once and stored as a hash.
 */
import { Schema } from "effect"
import { ApiKeyId, OrganizationId, ServiceAccountId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { Permission } from "./Permission.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Description, Name, Timestamp } from "./Text.ts"

const fields = { name: Name, description: Description, disabled: Schema.Boolean }

export const ServiceAccount = Schema.Struct({
  id: ServiceAccountId,
  /** `null`: of the installation. It never moves. */
  organization_id: Schema.NullOr(OrganizationId),
  ...fields,
  ...stamps
}).annotate({ identifier: "ServiceAccount" })
export type ServiceAccount = typeof ServiceAccount.Type

export const ServiceAccountCreate = Schema.Struct({
  organization_id: Schema.NullOr(OrganizationId),
  name: fields.name,
  description: withDefault(fields.description, ""),
  disabled: withDefault(fields.disabled, false)
}).annotate({ identifier: "ServiceAccountCreate" })
export type ServiceAccountCreate = typeof ServiceAccountCreate.Type

export const ServiceAccountPatch = patch(fields).annotate({ identifier: "ServiceAccountPatch" })
export type ServiceAccountPatch = typeof ServiceAccountPatch.Type

/** What a key leaves of its account's rights: it may do what the account may, and this allows. `null` narrows nothing. */
const limits = {
  permissions: Schema.NullOr(Schema.Array(Permission).check(Schema.isMinLength(1))),
  /** Only there, and in its workspaces. */
  organization_id: Schema.NullOr(OrganizationId),
  /** Only there. */
  workspace_id: Schema.NullOr(WorkspaceId)
}

export const ApiKey = Schema.Struct({
  id: ApiKeyId,
  service_account_id: ServiceAccountId,
  name: Name,
  ...limits,
  created_at: Timestamp,
  /** `null`: until it is revoked. */
  expires_at: Schema.NullOr(Timestamp),
  /** To the hour; `null` when it was never used. */
  last_used_at: Schema.NullOr(Timestamp),
  /** The address that used it then. */
  last_used_from: Schema.NullOr(Schema.String)
}).annotate({ identifier: "ApiKey" })
export type ApiKey = typeof ApiKey.Type

/** As it is made: nothing of it changes but its last use. */
export const ApiKeyContent = ApiKey.mapFields(
  ({ created_at: _created, last_used_at: _used, last_used_from: _from, ...content }) => content
)
export type ApiKeyContent = typeof ApiKeyContent.Type

export const ApiKeyCreate = Schema.Struct({
  name: Name,
  permissions: withDefault(limits.permissions, null),
  organization_id: withDefault(limits.organization_id, null),
  workspace_id: withDefault(limits.workspace_id, null),
  /** `null`: the key is good until it is revoked. */
  expires_in_seconds: withDefault(
    Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 60, maximum: Limits.apiKeySecondsMax }))),
    null
  )
}).annotate({ identifier: "ApiKeyCreate" })
export type ApiKeyCreate = typeof ApiKeyCreate.Type

/** The answer to its making, and to nothing else: with the text. */
export const IssuedApiKey = Schema.Struct({ ...ApiKey.fields, key: Schema.String }).annotate({
  identifier: "IssuedApiKey"
})
export type IssuedApiKey = typeof IssuedApiKey.Type
