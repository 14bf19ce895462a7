/** What each command does, by its tag. */
import type { Command, CommandOf, CommandTag } from "@nxmesh/protocol/Command"
import { deleteAgent, recordAgentFacts, saveAgent } from "./Agents.ts"
import { recordAgentAction, requestAgentAction } from "./AgentActions.ts"
import { claimAgents } from "./AgentClaims.ts"
import { cutAudit, recordAuditExport } from "./AuditCuts.ts"
import { initialiseCluster, openEpoch, recordBackup, setClusterVersion, setFreeze } from "./Cluster.ts"
import { recordDeployments } from "./Deployments.ts"
import { admitMaster, createJoinToken, revokeJoinToken } from "./Joining.ts"
import { saveSettings } from "./InstallationSettings.ts"
import { describeMaster, removeMaster, setMasterVoting } from "./Masters.ts"
import { createEnrolmentToken, enrolAgent, revokeEnrolmentToken, rotateAgentKey } from "./Enrolment.ts"
import { deleteOrganization, deleteWorkspace, saveOrganization, saveWorkspace } from "./Organizations.ts"
import { endSession, recordLoginFailure, rotateSession, startSession } from "./Sessions.ts"
import { checkState, reportDigest } from "./StateChecks.ts"
import type { Applied, Transaction } from "./Transaction.ts"
import { changePassword, deleteUser, saveUser } from "./Users.ts"
import { deleteVirtualHost, saveVirtualHost } from "./VirtualHosts.ts"
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
  StartSession: startSession,
  RotateSession: rotateSession,
  EndSession: endSession,
  RecordLoginFailure: recordLoginFailure
}

/** A command whose handler is looked up by its own tag fits that handler, which the compiler cannot see. */
export const handle = (tx: Transaction, command: Command): Applied =>
  (handlers[command._tag] as (tx: Transaction, command: Command) => Applied)(tx, command)
