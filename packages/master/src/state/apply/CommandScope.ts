/** Where a command acts, for the principal's permission there. What is not the principal's to see is refused as if it were not there. */
import type { Command } from "@nxmesh/protocol/Command"
import type { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { homeScope, installation, type Scope, scopeOf } from "@nxmesh/protocol/model/Access"
import type { Connection } from "../Connection.ts"
import type { Kind } from "../Kinds.ts"
import { kindWords } from "../KindWords.ts"
import { apiKey } from "../ReadServiceAccounts.ts"
import { scopeOfResource, scopeOfWorkspace } from "../ResourceScope.ts"
import { findResource } from "../Resources.ts"
import { refuse, refuseFields } from "./Refusal.ts"

export interface Place {
  readonly scope: Scope
  /** The refusal that one gets who may not even read there: word for word that of a thing that does not exist. */
  readonly missing: () => never
  /** There is nothing to hide: everybody knows that there is an installation. */
  readonly isPlain?: true
}

const everywhere: Place = {
  scope: installation,
  missing: () => refuse("FORBIDDEN", "this is the installation's"),
  isPlain: true
}

const absent = (word: string, id: string) => () => refuse("NOT_FOUND", `there is no ${word} ${id}`)

/** `undefined`: it does not exist, and its handler says so. */
const ofExisting = (connection: Connection, kind: Kind, id: string): Place | undefined => {
  const found = findResource(connection, kind, id)
  if (found === undefined) return undefined
  return { scope: scopeOfResource(connection, kind, found), missing: absent(kindWords[kind], id) }
}

const inWorkspace = (connection: Connection, id: WorkspaceId): Place | undefined => {
  const scope = scopeOfWorkspace(connection, id)
  const missing = () => refuseFields([{ field: "workspace_id", message: "names no workspace" }])
  return scope === undefined ? undefined : { scope, missing }
}

const inHome = (connection: Connection, id: OrganizationId | null | undefined): Place | undefined => {
  if (id === null || id === undefined) return everywhere
  const missing = () => refuseFields([{ field: "organization_id", message: "names no organization" }])
  return findResource(connection, "organization", id) === undefined ? undefined : { scope: homeScope(id), missing }
}

interface Saving {
  readonly mode: "create" | "update"
}

const ofWorkspaceResource = (
  connection: Connection,
  kind: Kind,
  { mode }: Saving,
  { id, workspace_id }: { readonly id: string; readonly workspace_id: WorkspaceId }
) => (mode === "create" ? inWorkspace(connection, workspace_id) : ofExisting(connection, kind, id))

const ofHomeResource = (
  connection: Connection,
  kind: Kind,
  { mode }: Saving,
  { id, organization_id }: { readonly id: string; readonly organization_id?: OrganizationId | null }
) => (mode === "create" ? inHome(connection, organization_id) : ofExisting(connection, kind, id))

const ofToken = (connection: Connection, id: string): Place | undefined => {
  const token = connection.get<{ readonly agent_id: string }>("SELECT agent_id FROM enrolment_tokens WHERE id = ?", id)
  const agent = token === undefined ? undefined : ofExisting(connection, "agent", token.agent_id)
  return agent === undefined ? undefined : { ...agent, missing: absent("enrolment token", id) }
}

const ofKey = (connection: Connection, id: string): Place | undefined => {
  const key = apiKey(connection, id)
  const account = key === undefined ? undefined : ofExisting(connection, "service_account", key.service_account_id)
  return account === undefined ? undefined : { ...account, missing: absent("API key", id) }
}

const inPlace = (connection: Connection, place: Parameters<typeof scopeOf>[0]): Place | undefined =>
  place.workspace_id === null ? inHome(connection, place.organization_id) : inWorkspace(connection, place.workspace_id)

/** What may be the installation's, an organization's or a workspace's. */
const ofPlacedResource = (
  connection: Connection,
  kind: Kind,
  { mode }: Saving,
  resource: Parameters<typeof scopeOf>[0] & { readonly id: string }
) => (mode === "create" ? inPlace(connection, resource) : ofExisting(connection, kind, resource.id))

/** `undefined`: what it is about does not exist. A command that is not named here acts on the installation as a whole. */
export const commandPlace = (connection: Connection, command: Command): Place | undefined => {
  switch (command._tag) {
    case "SaveOrganization":
      return command.mode === "create" ? everywhere : ofExisting(connection, "organization", command.organization.id)
    case "DeleteOrganization":
      return ofExisting(connection, "organization", command.id)
    case "SaveWorkspace":
      return command.mode === "create"
        ? ofExisting(connection, "organization", command.workspace.organization_id)
        : ofExisting(connection, "workspace", command.workspace.id)
    case "DeleteWorkspace":
      return ofExisting(connection, "workspace", command.id)
    case "SaveAgent":
      return ofWorkspaceResource(connection, "agent", command, command.agent)
    case "DeleteAgent":
      return ofExisting(connection, "agent", command.id)
    case "RequestAgentAction":
    case "CreateEnrolmentToken":
    case "RotateAgentKey":
      return ofExisting(connection, "agent", command.agent_id)
    case "RevokeEnrolmentToken":
      return ofToken(connection, command.id)
    case "SaveVirtualHost":
      return ofWorkspaceResource(connection, "virtual_host", command, command.virtual_host)
    case "DeleteVirtualHost":
      return ofExisting(connection, "virtual_host", command.id)
    case "SaveUpstream":
      return ofWorkspaceResource(connection, "upstream", command, command.upstream)
    case "DeleteUpstream":
      return ofExisting(connection, "upstream", command.id)
    case "SaveCertificate":
      return ofWorkspaceResource(connection, "certificate", command, command.certificate)
    case "DeleteCertificate":
      return ofExisting(connection, "certificate", command.id)
    case "SaveTemplate":
      return ofWorkspaceResource(connection, "template", command, command.template)
    case "DeleteTemplate":
      return ofExisting(connection, "template", command.id)
    case "SaveUser":
      return ofHomeResource(connection, "user", command, command.user)
    case "ChangePassword":
    case "DeleteUser":
      return ofExisting(connection, "user", command.id)
    case "EndSessions":
    case "CreatePasswordToken":
      return ofExisting(connection, "user", command.user_id)
    case "SaveServiceAccount":
      return ofHomeResource(connection, "service_account", command, command.service_account)
    case "DeleteServiceAccount":
      return ofExisting(connection, "service_account", command.id)
    case "CreateApiKey":
      return ofExisting(connection, "service_account", command.api_key.service_account_id)
    case "RevokeApiKey":
      return ofKey(connection, command.id)
    case "SaveAlertRule":
      return ofPlacedResource(connection, "alert_rule", command, command.alert_rule)
    case "DeleteAlertRule":
      return ofExisting(connection, "alert_rule", command.id)
    case "SaveAlertSilence":
      return ofPlacedResource(connection, "alert_silence", command, command.alert_silence)
    case "DeleteAlertSilence":
      return ofExisting(connection, "alert_silence", command.id)
    case "SaveWebhook":
      return ofPlacedResource(connection, "webhook", command, command.webhook)
    case "DeleteWebhook":
    case "TestWebhook":
      return ofExisting(connection, "webhook", command.id)
    case "SaveRole":
      return ofHomeResource(connection, "role", command, command.role)
    case "DeleteRole":
      return ofExisting(connection, "role", command.id)
    case "SaveGroup":
      return ofHomeResource(connection, "group", command, command.group)
    case "DeleteGroup":
      return ofExisting(connection, "group", command.id)
    case "SaveRoleBinding":
      return inPlace(connection, command.role_binding)
    case "DeleteRoleBinding":
      return ofExisting(connection, "role_binding", command.id)
    default:
      return everywhere
  }
}
