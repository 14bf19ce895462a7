/** Whether the principal may do what a command does, by the user's role as it is when the entry applies. */
import type { Command, CommandTag } from "@nxmesh/protocol/Command"
import { type Permission, permits } from "@nxmesh/protocol/model/Permission"
import type { Principal } from "@nxmesh/protocol/Principal"
import { findResource } from "../Resources.ts"
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
  StartSession: null,
  RotateSession: null,
  EndSession: "user:write",
  RecordLoginFailure: null
}

/** What a person may always do to what is their own. */
const ownAct = (principal: Principal & { readonly _tag: "User" }, command: Command): boolean =>
  (command._tag === "ChangePassword" && command.id === principal.user_id) ||
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

export const requirePermission = (tx: Transaction, permission: Permission): void => {
  if (tx.principal._tag === "System") return
  if (tx.principal._tag !== "User") return refuse("FORBIDDEN", `this needs the permission ${permission}`)
  const user = findResource(tx.connection, "user", tx.principal.user_id)
  if (user === undefined || !permits(user.role, permission)) {
    refuse("FORBIDDEN", `this needs the permission ${permission}`)
  }
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
      return refuse("FORBIDDEN", "this needs a person")
    case "User": {
      const user = findResource(tx.connection, "user", principal.user_id)
      if (user === undefined || user.disabled)
        return refuse("UNAUTHENTICATED", "this account does not exist or is disabled")
      const session = tx.connection.get<{ readonly ended_at: string | null }>(
        "SELECT ended_at FROM sessions WHERE id = ? AND user_id = ?",
        principal.session_id,
        principal.user_id
      )
      if (session === undefined || session.ended_at !== null) {
        refuse("UNAUTHENTICATED", "this session has ended: log in again")
      }
      if (ownAct(principal, command)) return
      const permission = commandPermissions[command._tag]
      if (permission === null) refuse("FORBIDDEN", `a user may not give ${command._tag}`)
      else if (!permits(user.role, permission)) refuse("FORBIDDEN", `this needs the permission ${permission}`)
    }
  }
}
