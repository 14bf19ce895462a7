/** Which resource a command is about, for the audit of one that was refused before it found it. */
import type { Command } from "@nxmesh/protocol/Command"
import type { AuditSubject } from "./Transaction.ts"

type Target = Pick<AuditSubject, "kind" | "id">

export const commandTarget = (command: Command): Target | null => {
  switch (command._tag) {
    case "InitialiseCluster":
      return { kind: "cluster", id: command.cluster_id }
    case "CreateJoinToken":
    case "RevokeJoinToken":
      return { kind: "join_token", id: command.id }
    case "AdmitMaster":
    case "DescribeMaster":
      return { kind: "master", id: command.master.id }
    case "SetMasterVoting":
    case "RemoveMaster":
      return { kind: "master", id: command.id }
    case "SaveSettings":
      return { kind: "settings", id: "installation" }
    case "SaveOrganization":
      return { kind: "organization", id: command.organization.id }
    case "DeleteOrganization":
      return { kind: "organization", id: command.id }
    case "SaveWorkspace":
      return { kind: "workspace", id: command.workspace.id }
    case "DeleteWorkspace":
      return { kind: "workspace", id: command.id }
    case "SaveAgent":
      return { kind: "agent", id: command.agent.id }
    case "DeleteAgent":
      return { kind: "agent", id: command.id }
    case "CreateEnrolmentToken":
    case "RequestAgentAction":
    case "RecordAgentAction":
    case "RecordAgentFacts":
    case "RotateAgentKey":
      return { kind: "agent", id: command.agent_id }
    case "RevokeEnrolmentToken":
      return { kind: "enrolment_token", id: command.id }
    case "SaveVirtualHost":
      return { kind: "virtual_host", id: command.virtual_host.id }
    case "DeleteVirtualHost":
      return { kind: "virtual_host", id: command.id }
    case "SaveUpstream":
      return { kind: "upstream", id: command.upstream.id }
    case "DeleteUpstream":
      return { kind: "upstream", id: command.id }
    case "SaveCertificate":
      return { kind: "certificate", id: command.certificate.id }
    case "DeleteCertificate":
      return { kind: "certificate", id: command.id }
    case "SaveTemplate":
      return { kind: "template", id: command.template.id }
    case "DeleteTemplate":
      return { kind: "template", id: command.id }
    case "SaveAlertRule":
      return { kind: "alert_rule", id: command.alert_rule.id }
    case "DeleteAlertRule":
      return { kind: "alert_rule", id: command.id }
    case "SaveAlertSilence":
      return { kind: "alert_silence", id: command.alert_silence.id }
    case "DeleteAlertSilence":
      return { kind: "alert_silence", id: command.id }
    case "SaveWebhook":
      return { kind: "webhook", id: command.webhook.id }
    case "DeleteWebhook":
    case "TestWebhook":
      return { kind: "webhook", id: command.id }
    case "SaveUser":
      return { kind: "user", id: command.user.id }
    case "ChangePassword":
    case "DeleteUser":
      return { kind: "user", id: command.id }
    case "EndSessions":
    case "CreatePasswordToken":
      return { kind: "user", id: command.user_id }
    case "SaveServiceAccount":
      return { kind: "service_account", id: command.service_account.id }
    case "DeleteServiceAccount":
      return { kind: "service_account", id: command.id }
    case "CreateApiKey":
      return { kind: "api_key", id: command.api_key.id }
    case "RevokeApiKey":
      return { kind: "api_key", id: command.id }
    case "SaveRole":
      return { kind: "role", id: command.role.id }
    case "DeleteRole":
      return { kind: "role", id: command.id }
    case "SaveGroup":
      return { kind: "group", id: command.group.id }
    case "DeleteGroup":
      return { kind: "group", id: command.id }
    case "SaveRoleBinding":
      return { kind: "role_binding", id: command.role_binding.id }
    case "DeleteRoleBinding":
      return { kind: "role_binding", id: command.id }
    case "StartSession":
    case "RotateSession":
    case "EndSession":
      return { kind: "session", id: command.id }
    case "RecordAuditExport":
      return { kind: "audit", id: String(command.head.entry) }
    case "CutAudit":
      return { kind: "audit", id: String(command.through) }
    case "BeginKeyRotation":
    case "EndKeyRotation":
      return { kind: "encryption_key", id: command.to_key_id }
    case "AddSigningKey":
    case "RetireSigningKey":
      return { kind: "signing_key", id: command.key_id }
    case "RewrapSecrets":
    case "RotateAgentKeys":
    case "SetFreeze":
    case "SetClusterVersion":
    case "OpenEpoch":
    case "RecordBackup":
    case "CheckState":
    case "ReportDigest":
    case "ClaimAgents":
    case "EnrolAgent":
    case "RecordDeployments":
    case "RecordApiKeyUses":
    case "RedeemPasswordToken":
    case "RecordAlerts":
    case "RecordDeliveries":
    case "MakeAlertDefaults":
    case "RecordLoginFailure":
      return null
  }
}
