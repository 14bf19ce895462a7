/** Who holds a role where (SF-001). A binding is made and deleted, never changed. */
import { Schema } from "effect"
import {
  GroupId,
  IdentityProviderId,
  OrganizationId,
  RoleBindingId,
  ServiceAccountId,
  UserId,
  WorkspaceId
} from "../Ids.ts"
import { stamps, withDefault } from "./Resource.ts"
import { RoleReference } from "./Role.ts"

export const BindingSubject = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("user"), id: UserId }),
  Schema.Struct({ kind: Schema.Literal("group"), id: GroupId }),
  Schema.Struct({ kind: Schema.Literal("service_account"), id: ServiceAccountId })
]).annotate({ identifier: "BindingSubject" })
export type BindingSubject = typeof BindingSubject.Type

const fields = { subject: BindingSubject, role: RoleReference }

export const RoleBinding = Schema.Struct({
  id: RoleBindingId,
  ...fields,
  /** With `workspace_id`: of that workspace's organization. Both `null`: it holds in the whole installation. */
  organization_id: Schema.NullOr(OrganizationId),
  /** `null`: it holds in all workspaces of the organization. */
  workspace_id: Schema.NullOr(WorkspaceId),
  /** Whose word it is: a provider's, which replaces it at each login, or that of people (`null`). */
  identity_provider_id: Schema.NullOr(IdentityProviderId),
  ...stamps
}).annotate({ identifier: "RoleBinding" })
export type RoleBinding = typeof RoleBinding.Type

export const RoleBindingCreate = Schema.Struct({
  ...fields,
  organization_id: withDefault(Schema.NullOr(OrganizationId), null),
  workspace_id: withDefault(Schema.NullOr(WorkspaceId), null)
}).annotate({ identifier: "RoleBindingCreate" })
export type RoleBindingCreate = typeof RoleBindingCreate.Type
