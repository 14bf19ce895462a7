/** What each command does, by its tag. */
import type { Command, CommandOf, CommandTag } from "@nxmesh/protocol/Command"
import { deleteAgent, recordAgentFacts, saveAgent } from "./Agents.ts"
import { recordDeliveries } from "./AlertDeliveries.ts"
import {
  deleteAlertRule,
  deleteAlertSilence,
  makeAlertDefaults,
  saveAlertRule,
  saveAlertSilence
} from "./AlertRules.ts"
import { recordAlerts } from "./Alerts.ts"
import { recordAgentAction, requestAgentAction } from "./AgentActions.ts"
import { claimAgents } from "./AgentClaims.ts"
import { cutAudit, recordAuditExport } from "./AuditCuts.ts"
import { addSigningKey, retireSigningKey, rotateAgentKeys } from "./Keys.ts"
import { beginKeyRotation, endKeyRotation, rewrapSecrets } from "./KeyRotation.ts"
import { initialiseCluster, openEpoch, recordBackup, setClusterVersion, setFreeze } from "./Cluster.ts"
import { recordDeployments } from "./Deployments.ts"
import { admitMaster, createJoinToken, revokeJoinToken } from "./Joining.ts"
import { saveSettings } from "./InstallationSettings.ts"
import { describeMaster, removeMaster, setMasterVoting } from "./Masters.ts"
import { createEnrolmentToken, enrolAgent, revokeEnrolmentToken, rotateAgentKey } from "./Enrolment.ts"
import { deleteOrganization, deleteWorkspace, saveOrganization, saveWorkspace } from "./Organizations.ts"
import { deleteGroup, saveGroup } from "./Groups.ts"
import { deleteRoleBinding, saveRoleBinding } from "./RoleBindings.ts"
import { deleteRole, saveRole } from "./Roles.ts"
import { createPasswordToken, redeemPasswordToken } from "./PasswordTokens.ts"
import { endSession, endSessions, recordLoginFailure, rotateSession, startSession } from "./Sessions.ts"
import {
  createApiKey,
  deleteServiceAccount,
  recordApiKeyUses,
  revokeApiKey,
  saveServiceAccount
} from "./ServiceAccounts.ts"
import { checkState, reportDigest } from "./StateChecks.ts"
import type { Applied, Transaction } from "./Transaction.ts"
import { changePassword, deleteUser, saveUser } from "./Users.ts"
import { deleteVirtualHost, saveVirtualHost } from "./VirtualHosts.ts"
import { deleteWebhook, saveWebhook, testWebhook } from "./Webhooks.ts"
import {
  deleteCertificate,
  deleteTemplate,
  deleteUpstream,
  saveCertificate,
  saveTemplate,
  saveUpstream
} from "./WorkspaceResources.ts"

type Handlers = { readonly [Tag in CommandTag]: (tx: Transaction, command: CommandOf<Tag>) => Applied }

export const handlers: Handlers = {
  InitialiseCluster: initialiseCluster,
  CreateJoinToken: createJoinToken,
  RevokeJoinToken: revokeJoinToken,
  AdmitMaster: admitMaster,
  DescribeMaster: describeMaster,
  SetMasterVoting: setMasterVoting,
  RemoveMaster: removeMaster,
  SetFreeze: setFreeze,
  SetClusterVersion: setClusterVersion,
  OpenEpoch: openEpoch,
  SaveSettings: saveSettings,
  RecordBackup: recordBackup,
  RecordAuditExport: recordAuditExport,
  CutAudit: cutAudit,
  BeginKeyRotation: beginKeyRotation,
  RewrapSecrets: rewrapSecrets,
  EndKeyRotation: endKeyRotation,
  AddSigningKey: addSigningKey,
  RetireSigningKey: retireSigningKey,
  RotateAgentKeys: rotateAgentKeys,
  CheckState: checkState,
  ReportDigest: reportDigest,
  ClaimAgents: claimAgents,
  SaveOrganization: saveOrganization,
  DeleteOrganization: deleteOrganization,
  SaveWorkspace: saveWorkspace,
  DeleteWorkspace: deleteWorkspace,
  SaveAgent: saveAgent,
  DeleteAgent: deleteAgent,
  RequestAgentAction: requestAgentAction,
  RecordAgentAction: recordAgentAction,
  CreateEnrolmentToken: createEnrolmentToken,
  RevokeEnrolmentToken: revokeEnrolmentToken,
  EnrolAgent: enrolAgent,
  RecordAgentFacts: recordAgentFacts,
  RotateAgentKey: rotateAgentKey,
  SaveVirtualHost: saveVirtualHost,
  DeleteVirtualHost: deleteVirtualHost,
  SaveUpstream: saveUpstream,
  DeleteUpstream: deleteUpstream,
  SaveCertificate: saveCertificate,
  DeleteCertificate: deleteCertificate,
  SaveTemplate: saveTemplate,
  DeleteTemplate: deleteTemplate,
  RecordDeployments: recordDeployments,
  SaveUser: saveUser,
  ChangePassword: changePassword,
  DeleteUser: deleteUser,
  SaveRole: saveRole,
  DeleteRole: deleteRole,
  SaveGroup: saveGroup,
  DeleteGroup: deleteGroup,
  SaveRoleBinding: saveRoleBinding,
  DeleteRoleBinding: deleteRoleBinding,
  SaveServiceAccount: saveServiceAccount,
  DeleteServiceAccount: deleteServiceAccount,
  CreateApiKey: createApiKey,
  RevokeApiKey: revokeApiKey,
  RecordApiKeyUses: recordApiKeyUses,
  EndSessions: endSessions,
  CreatePasswordToken: createPasswordToken,
  RedeemPasswordToken: redeemPasswordToken,
  StartSession: startSession,
  RotateSession: rotateSession,
  EndSession: endSession,
  SaveAlertRule: saveAlertRule,
  DeleteAlertRule: deleteAlertRule,
  MakeAlertDefaults: makeAlertDefaults,
  SaveAlertSilence: saveAlertSilence,
  DeleteAlertSilence: deleteAlertSilence,
  SaveWebhook: saveWebhook,
  DeleteWebhook: deleteWebhook,
  TestWebhook: testWebhook,
  RecordAlerts: recordAlerts,
  RecordDeliveries: recordDeliveries,
  RecordLoginFailure: recordLoginFailure
}

/** A command whose handler is looked up by its own tag fits that handler, which the compiler cannot see. */
export const handle = (tx: Transaction, command: Command): Applied =>
  (handlers[command._tag] as (tx: Transaction, command: Command) => Applied)(tx, command)
