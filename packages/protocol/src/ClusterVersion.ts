/**
 * The versions of apply's behaviour (design-cluster.md 6). All masters of a cluster apply an entry in the same way because
 * the way depends on the cluster's version, which is replicated, and never on the build. A build knows several versions, so
 * that masters can be upgraded one by one: the cluster rises when the last of them knows the next.
 *
 * A command of version n: its schema in Command.ts, its handler as any other's, and a line in `since` below.
 * A change of the schema of version n: a step in packages/master/src/state/Migrations.ts.
 */
import type { Command, CommandOf, CommandTag } from "./Command.ts"
import type { ClusterVersionRange } from "./model/Master.ts"

/** The versions that this build knows. */
export const clusterVersions: ClusterVersionRange = { lowest: 1, highest: 4 }

/** A version, or how to tell it from the command: a field may be newer than the command that has it. */
type Since = { readonly [Tag in CommandTag]?: number | ((command: CommandOf<Tag>) => number) }

/** Since when a command may stand in the log. Those that are not named here: since version 1. */
export const since: Since = {
  RecordBackup: 2,
  CheckState: 2,
  ReportDigest: 2,
  SaveWorkspace: ({ workspace }) => (workspace.agent_policy === undefined ? 1 : 3),
  SaveAgent: ({ agent }) => (agent.policy === undefined ? 1 : 3),
  RequestAgentAction: 3,
  SaveAlertRule: 4,
  DeleteAlertRule: 4,
  MakeAlertDefaults: 4,
  SaveAlertSilence: 4,
  DeleteAlertSilence: 4,
  SaveWebhook: 4,
  DeleteWebhook: 4,
  TestWebhook: 4,
  RecordAlerts: 4,
  RecordDeliveries: 4,
  RecordAgentAction: 3,
  RecordAuditExport: 4,
  CutAudit: 4,
  BeginKeyRotation: 4,
  RewrapSecrets: 4,
  EndKeyRotation: 4,
  AddSigningKey: 4,
  RetireSigningKey: 4,
  RotateAgentKeys: 4,
  SaveServiceAccount: 4,
  DeleteServiceAccount: 4,
  CreateApiKey: 4,
  RevokeApiKey: 4,
  RecordApiKeyUses: 4,
  EndSessions: 4,
  CreatePasswordToken: 4,
  RedeemPasswordToken: 4,
  StartSession: ({ user_agent }) => (user_agent === undefined ? 1 : 4),
  ChangePassword: ({ must_change }) => (must_change === undefined ? 1 : 4),
  SaveUser: ({ user }) =>
    user.role === null || user.organization_id !== undefined || user.must_change_password !== undefined ? 4 : 1,
  SaveRole: 4,
  DeleteRole: 4,
  SaveGroup: 4,
  DeleteGroup: 4,
  SaveRoleBinding: 4,
  DeleteRoleBinding: 4,
  SaveSettings: 4
}

/** The cluster version that the command needs. */
export const versionNeeded = (command: Command): number => {
  const needed = since[command._tag] as number | ((command: Command) => number) | undefined
  return typeof needed === "function" ? needed(command) : (needed ?? 1)
}

/** Why a cluster at this version takes no such command, in a sentence for the operator; `null`: it takes it. */
export const versionProblem = (command: Command, clusterVersion: number): string | null => {
  const needed = versionNeeded(command)
  return needed <= clusterVersion
    ? null
    : `the cluster is at version ${clusterVersion}, and ${command._tag} needs version ${needed}: ` +
        "upgrade every master, and the cluster rises by itself or with `nxmesh cluster upgrade`"
}
