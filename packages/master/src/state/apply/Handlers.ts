/** What each command does, by its tag. */
import type { Command, CommandOf, CommandTag } from "@nxmesh/protocol/Command"
import { deleteAgent, recordAgentFacts, saveAgent } from "./Agents.ts"
import { initialiseCluster } from "./Cluster.ts"
import { recordDeployments } from "./Deployments.ts"
import { createEnrolmentToken, enrolAgent, revokeEnrolmentToken, rotateAgentKey } from "./Enrolment.ts"
import { deleteOrganization, deleteWorkspace, saveOrganization, saveWorkspace } from "./Organizations.ts"
import { endSession, recordLoginFailure, rotateSession, startSession } from "./Sessions.ts"
import { refuse } from "./Refusal.ts"
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

/** Commands of clusters with several masters, which this version does not form. */
const notInThisVersion = (): Applied => refuse("UNPROCESSABLE", "this version of NxMesh does not know this change")

export const handlers: Handlers = {
  InitialiseCluster: initialiseCluster,
  CreateJoinToken: notInThisVersion,
  RevokeJoinToken: notInThisVersion,
  AdmitMaster: notInThisVersion,
  DescribeMaster: notInThisVersion,
  SetMasterVoting: notInThisVersion,
  RemoveMaster: notInThisVersion,
  SetFreeze: notInThisVersion,
  SetClusterVersion: notInThisVersion,
  OpenEpoch: notInThisVersion,
  ClaimAgents: notInThisVersion,
  SaveOrganization: saveOrganization,
  DeleteOrganization: deleteOrganization,
  SaveWorkspace: saveWorkspace,
  DeleteWorkspace: deleteWorkspace,
  SaveAgent: saveAgent,
  DeleteAgent: deleteAgent,
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
