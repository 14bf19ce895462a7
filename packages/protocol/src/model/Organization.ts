/** Tenants (CF-001): an organization holds workspaces; everything else lives in a workspace. */
import { Schema } from "effect"
import { OrganizationId, WorkspaceId } from "../Ids.ts"
import { AgentPolicyChoice } from "./AgentPolicy.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Name, Slug } from "./Text.ts"

export const OrganizationSettings = Schema.Struct({
  /** Whether members of one workspace may see the resources of the organization's others. */
  cross_workspace_visibility: Schema.Boolean
})
export type OrganizationSettings = typeof OrganizationSettings.Type
export const organizationSettingsDefault: OrganizationSettings = { cross_workspace_visibility: false }

const organization = { name: Name, slug: Slug, settings: OrganizationSettings }

export const Organization = Schema.Struct({ id: OrganizationId, ...organization, ...stamps }).annotate({
  identifier: "Organization"
})
export type Organization = typeof Organization.Type
export const OrganizationCreate = Schema.Struct({
  ...organization,
  settings: withDefault(OrganizationSettings, organizationSettingsDefault)
}).annotate({ identifier: "OrganizationCreate" })
export const OrganizationPatch = patch(organization).annotate({ identifier: "OrganizationPatch" })
export type OrganizationPatch = typeof OrganizationPatch.Type

const workspace = { name: Name, slug: Slug }

export const Workspace = Schema.Struct({
  id: WorkspaceId,
  organization_id: OrganizationId,
  ...workspace,
  /** What its agents go by that say nothing else of themselves. Absent: nothing is chosen. Since cluster version 3. */
  agent_policy: Schema.optionalKey(AgentPolicyChoice),
  ...stamps
}).annotate({ identifier: "Workspace" })
export type Workspace = typeof Workspace.Type
export const WorkspaceCreate = Schema.Struct({
  ...workspace,
  agent_policy: Schema.optionalKey(AgentPolicyChoice)
}).annotate({ identifier: "WorkspaceCreate" })
export type WorkspaceCreate = typeof WorkspaceCreate.Type
export const WorkspacePatch = patch({ ...workspace, agent_policy: AgentPolicyChoice }).annotate({
  identifier: "WorkspacePatch"
})
export type WorkspacePatch = typeof WorkspacePatch.Type
export type OrganizationCreate = typeof OrganizationCreate.Type
