/** Whether the principal may do what a command does where it does it, by roles and bindings as they are when the entry applies. */
import type { Command, CommandTag } from "@nxmesh/protocol/Command"
import { allows, allowsSomewhere, type Scope } from "@nxmesh/protocol/model/Access"
import { type Permission, readPermissionOf } from "@nxmesh/protocol/model/Permission"
import type { Principal } from "@nxmesh/protocol/Principal"
import type { ContentOf, Kind } from "../Kinds.ts"
import { accessOf } from "../ReadAccess.ts"
import { keyAccess } from "../ReadServiceAccounts.ts"
import { readPermissions, scopeOfResource } from "../ResourceScope.ts"
import { findResource } from "../Resources.ts"
import { commandPlace } from "./CommandScope.ts"
import { refuse } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

/** What a user needs for each command; `null` where only the master itself, an agent or the person concerned may. */
export const commandPermissions: Readonly<Record<CommandTag, Permission | null>> = {
  InitialiseCluster: null,
  CreateJoinToken: "cluster:write",
  RevokeJoinToken: "cluster:write",
  AdmitMaster: null,
  DescribeMaster: null,
  SetMasterVoting: "cluster:write",
  RemoveMaster: "cluster:write",
  SetFreeze: "cluster:write",
  SetClusterVersion: "cluster:write",
  OpenEpoch: null,
  SaveSettings: "cluster:write",
  RecordBackup: "cluster:write",
  RecordAuditExport: "audit:read",
  CutAudit: "cluster:write",
  BeginKeyRotation: "cluster:write",
  RewrapSecrets: null,
  EndKeyRotation: null,
  AddSigningKey: "cluster:write",
  RetireSigningKey: null,
  RotateAgentKeys: "cluster:write",
  CheckState: null,
  ReportDigest: null,
  ClaimAgents: null,
  SaveOrganization: "organization:write",
  DeleteOrganization: "organization:delete",
  SaveWorkspace: "workspace:write",
  DeleteWorkspace: "workspace:delete",
  SaveAgent: "agent:write",
  DeleteAgent: "agent:delete",
  /** The least of them: its handler asks for what the very action needs. */
  RequestAgentAction: "agent:reload",
  RecordAgentAction: null,
  CreateEnrolmentToken: "agent:write",
  RevokeEnrolmentToken: "agent:write",
  EnrolAgent: null,
  RecordAgentFacts: null,
  RotateAgentKey: "agent:write",
  SaveVirtualHost: "config:write",
  DeleteVirtualHost: "config:delete",
  SaveUpstream: "config:write",
  DeleteUpstream: "config:delete",
  SaveCertificate: "certificate:write",
  DeleteCertificate: "certificate:delete",
  SaveTemplate: "config:snippet",
  DeleteTemplate: "config:delete",
  RecordDeployments: null,
  SaveUser: "user:write",
  ChangePassword: "user:write",
  DeleteUser: "user:delete",
  SaveRole: "access:write",
  DeleteRole: "access:write",
  SaveGroup: "access:write",
  DeleteGroup: "access:write",
  SaveRoleBinding: "access:write",
  DeleteRoleBinding: "access:write",
  SaveServiceAccount: "access:write",
  DeleteServiceAccount: "access:write",
  CreateApiKey: "access:write",
  RevokeApiKey: "access:write",
  RecordApiKeyUses: null,
  EndSessions: "user:write",
  CreatePasswordToken: "user:write",
  RedeemPasswordToken: null,
  StartSession: null,
  RotateSession: null,
  EndSession: "user:write",
  SaveAlertRule: "alert:write",
  DeleteAlertRule: "alert:write",
  MakeAlertDefaults: null,
  SaveAlertSilence: "alert:write",
  DeleteAlertSilence: "alert:write",
  SaveWebhook: "alert:write",
  DeleteWebhook: "alert:write",
  TestWebhook: "alert:write",
  RecordAlerts: null,
  RecordDeliveries: null,
  RecordLoginFailure: null
}

/** What a person may always do to what is their own. */
const ownAct = (principal: Principal & { readonly _tag: "User" }, command: Command): boolean =>
  (command._tag === "ChangePassword" && command.id === principal.user_id) ||
  (command._tag === "EndSessions" && command.user_id === principal.user_id) ||
  (command._tag === "EndSession" && command.id === principal.session_id)

/** What an agent may report, of itself alone. */
const agentAct = (agentId: string, command: Command): boolean => {
  switch (command._tag) {
    case "RecordAgentFacts":
    case "RotateAgentKey":
      return command.agent_id === agentId
    case "RecordDeployments":
      return command.outcomes.every((outcome) => outcome.agent_id === agentId)
    default:
      return false
  }
}

const needs = (permission: Permission): string => `this needs the permission ${permission}`

/** Refuses when the principal does not hold the permission there. The master itself may do everything. */
export const requirePermission = (tx: Transaction, permission: Permission, scope: Scope): void => {
  if (tx.principal._tag === "System") return
  if (!allows(accessOf(tx.connection, tx.principal), permission, scope)) refuse("FORBIDDEN", needs(permission))
}

/** Whether the principal may know of the resource, and so be told its name. */
export const mayRead = <K extends Kind>(
  { connection, principal }: Transaction,
  kind: K,
  resource: ContentOf<K>
): boolean =>
  principal._tag === "System" ||
  allows(accessOf(connection, principal), readPermissions[kind], scopeOfResource(connection, kind, resource))

/** Refuses what the principal may nowhere do, or not there: as if it were not there, when it may not be read either. */
const requireAllowed = ({ connection, principal }: Transaction, command: Command, permission: Permission): void => {
  const access = accessOf(connection, principal)
  if (!allowsSomewhere(access, permission)) refuse("FORBIDDEN", needs(permission))
  const place = commandPlace(connection, command)
  if (place === undefined || allows(access, permission, place.scope)) return
  const isReadable = place.isPlain === true || allows(access, readPermissionOf(permission), place.scope)
  if (isReadable) refuse("FORBIDDEN", needs(permission))
  place.missing()
}

const requireStandingUser = ({ connection }: Transaction, principal: Principal & { readonly _tag: "User" }): void => {
  const user = findResource(connection, "user", principal.user_id)
  if (user === undefined || user.disabled) refuse("UNAUTHENTICATED", "this account does not exist or is disabled")
  const session = connection.get<{ readonly ended_at: string | null }>(
    "SELECT ended_at FROM sessions WHERE id = ? AND user_id = ?",
    principal.session_id,
    principal.user_id
  )
  if (session === undefined || session.ended_at !== null) {
    refuse("UNAUTHENTICATED", "this session has ended: log in again")
  }
}

const authorizeServiceAccount = (
  tx: Transaction,
  principal: Principal & { readonly _tag: "ServiceAccount" },
  command: Command
): void => {
  const { api_key_id, service_account_id } = principal
  if (keyAccess(tx.connection, service_account_id, api_key_id, tx.atMillis) === undefined) {
    return refuse("UNAUTHENTICATED", "this API key was revoked or has expired, or its account is disabled")
  }
  const permission = commandPermissions[command._tag]
  if (permission === null) return refuse("FORBIDDEN", `a service account may not give ${command._tag}`)
  requireAllowed(tx, command, permission)
}

/** Refuses a command that its principal may not give. */
export const authorize = (tx: Transaction, command: Command): void => {
  const { principal } = tx
  switch (principal._tag) {
    case "System":
      return
    case "Agent":
      if (findResource(tx.connection, "agent", principal.agent_id) === undefined) {
        refuse("UNAUTHENTICATED", "this agent no longer exists")
      }
      if (!agentAct(principal.agent_id, command)) refuse("FORBIDDEN", `an agent may not give ${command._tag}`)
      return
    case "ServiceAccount":
      return authorizeServiceAccount(tx, principal, command)
    case "User": {
      requireStandingUser(tx, principal)
      if (ownAct(principal, command)) return
      const permission = commandPermissions[command._tag]
      if (permission === null) return refuse("FORBIDDEN", `a user may not give ${command._tag}`)
      requireAllowed(tx, command, permission)
    }
  }
}
