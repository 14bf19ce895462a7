/**
 * Every write, as the log holds it. A command is complete: ids, time, hashes and sealed secrets are in it before it is
 * proposed, because apply reads no clock and calls no random. Apply checks every precondition again; what an API
 * handler checked before is only kindness.
 */
import { Schema, Struct } from "effect"
import {
  ActionId,
  AgentId,
  AlertRuleId,
  AlertSilenceId,
  ApiKeyId,
  CertificateId,
  ClusterId,
  CommandId,
  EnrolmentTokenId,
  GroupId,
  JoinTokenId,
  MasterId,
  OrganizationId,
  RoleBindingId,
  RoleId,
  ServiceAccountId,
  SessionId,
  Sha256,
  TemplateId,
  UpstreamId,
  UserId,
  VirtualHostId,
  WebhookId,
  WorkspaceId
} from "./Ids.ts"
import {
  JoinProof,
  remove,
  removeVersion,
  RewrappedRow,
  save,
  saveVersion,
  SealingKeyId,
  SessionKey,
  unstamped
} from "./CommandParts.ts"
import { ActionRequest } from "./model/ActionRecord.ts"
import { AgentFacts, StoredAgent } from "./model/Agent.ts"
import { AlertId, StoredAlert } from "./model/Alert.ts"
import { AlertRule } from "./model/AlertRule.ts"
import { AlertSilence } from "./model/AlertSilence.ts"
import { ActionOutcome } from "./model/AgentAction.ts"
import { AuditPoint } from "./model/Audit.ts"
import { StoredCertificate } from "./model/Certificate.ts"
import { DeploymentOutcome } from "./model/Deployment.ts"
import { Group } from "./model/Group.ts"
import { MasterDescription } from "./model/Master.ts"
import { Organization, Workspace } from "./model/Organization.ts"
import { ChosenSettings } from "./model/InstallationSettings.ts"
import { Revision } from "./model/Resource.ts"
import { CustomRole } from "./model/Role.ts"
import { RoleBinding } from "./model/RoleBinding.ts"
import { SealedSecret } from "./model/SealedSecret.ts"
import { ApiKeyContent, ServiceAccount } from "./model/ServiceAccount.ts"
import { Template } from "./model/Template.ts"
import { Timestamp } from "./model/Text.ts"
import { Upstream } from "./model/Upstream.ts"
import { StoredUser } from "./model/User.ts"
import { VirtualHost } from "./model/VirtualHost.ts"
import { DeliveryId, DeliveryStatus, StoredWebhook } from "./model/Webhook.ts"
import { Principal } from "./Principal.ts"
import { Rejection } from "./Rejection.ts"

export const Command = Schema.TaggedUnion({
  /** The first entry of a cluster: its identity, its keys (sealed) and its first administrator. */
  InitialiseCluster: {
    cluster_id: ClusterId,
    ca_certificate_pem: Schema.String,
    ca_private_key: SealedSecret,
    signing_key: Schema.Struct({ key_id: Schema.String, public_jwk: Schema.Unknown, private_jwk: SealedSecret }),
    administrator: unstamped(StoredUser),
    /** The master that makes it: the first member. */
    master: Schema.optionalKey(MasterDescription),
    /** At which the cluster begins, the highest that its first master knows; absent: 1 (design-cluster.md 6). */
    cluster_version: Schema.optionalKey(Schema.Int)
  },

  CreateJoinToken: {
    id: JoinTokenId,
    token_hash: Sha256,
    expires_at: Timestamp,
    /** The text, for the answer to a retried request alone. */
    sealed_token: SealedSecret
  },
  RevokeJoinToken: { id: JoinTokenId },
  /** Burns the token and makes the master a member; the same token with the same public key may retry. */
  AdmitMaster: {
    proof: JoinProof,
    /** Of the master's certificate, SPKI in base64. */
    public_key: Schema.String,
    master: MasterDescription
  },
  /** A member says of itself what has changed: its name, its addresses, its version. */
  DescribeMaster: { master: MasterDescription },
  /** Whether a member counts for majorities. */
  SetMasterVoting: { id: MasterId, voter: Schema.Boolean },
  RemoveMaster: { id: MasterId },
  /** While the cluster is frozen no agent is told to deploy anything. */
  SetFreeze: { frozen: Schema.Boolean, reason: Schema.String },
  /** From this entry on apply, schema and bundles behave as this version says (design-cluster.md 6). */
  SetClusterVersion: { version: Schema.Int },
  /** After a restore or a forced recovery: agents follow this cluster again, and nothing is deployed until someone looked. */
  OpenEpoch: {
    reason: Schema.Literals(["restored", "recovered"]),
    /** The cluster that goes on from here. In no log: restore and recover apply it before Raft begins with the state. */
    into: Schema.optionalKey(
      Schema.Struct({
        cluster_id: ClusterId,
        /** Above the one before. */
        epoch: Schema.Int,
        /** The only member. */
        master: MasterDescription
      })
    )
  },
  /** All that was chosen for the installation, as it is to be from here on. */
  SaveSettings: { if_match: Schema.NullOr(Revision), chosen: ChosenSettings },
  /** Somebody takes a copy of everything: for the audit, and before the copy is made. */
  RecordBackup: { master_id: MasterId },
  /** The audit was given away, from behind `after` to `head`, whole. */
  RecordAuditExport: { after: AuditPoint, head: AuditPoint },
  /** Forgets the audit up to and with this entry, which `exported`, the head of an export, shows to be kept elsewhere. */
  CutAudit: { through: Schema.Int, exported: AuditPoint },
  /** From this entry on masters seal with the key `to_key_id`, and what is sealed with the other one is wrapped anew. */
  BeginKeyRotation: { from_key_id: SealingKeyId, to_key_id: SealingKeyId },
  /** Of the leader: some data keys, as they were wrapped and as they are under the other key. */
  RewrapSecrets: {
    from_key_id: SealingKeyId,
    to_key_id: SealingKeyId,
    rows: Schema.Array(RewrappedRow)
  },
  /** Of the leader: nothing is sealed with the other key any more. */
  EndKeyRotation: { to_key_id: SealingKeyId },
  /** Verifies tokens at once, and signs them after this long: others learn of it in between. */
  AddSigningKey: {
    key_id: Schema.String,
    public_jwk: Schema.Unknown,
    private_jwk: SealedSecret,
    signs_after_seconds: Schema.Int
  },
  /** Of the leader: all that the key signed has expired. Its public half stays, for the audit. */
  RetireSigningKey: { key_id: Schema.String },
  /** Every session key of an agent that is older than this entry is to be replaced, little by little. */
  RotateAgentKeys: {},
  /** Of the leader: every master notes the digest of its state at this entry (design-cluster.md 12). */
  CheckState: {},
  /** What a master noted at the entry of a check. */
  ReportDigest: { master_id: MasterId, entry: Schema.Int, digest: Sha256 },
  /** Which master holds the agents' newest connections (design-cluster.md 16). */
  ClaimAgents: {
    master_id: MasterId,
    /** Of the master's process: a restart is another one. */
    incarnation: Schema.String,
    claims: Schema.Array(Schema.Struct({ agent_id: AgentId, connection_epoch: Schema.Int }))
  },

  SaveOrganization: { ...save, organization: unstamped(Organization) },
  DeleteOrganization: { ...remove, id: OrganizationId },
  SaveWorkspace: { ...save, workspace: unstamped(Workspace) },
  DeleteWorkspace: { ...remove, id: WorkspaceId },

  /** What people set of an agent; facts, address and enrolment keep. */
  SaveAgent: {
    ...save,
    agent: StoredAgent.mapFields(
      Struct.pick(["id", "workspace_id", "name", "labels", "maintenance", "reload_interval_seconds", "policy"])
    )
  },
  DeleteAgent: { ...remove, id: AgentId },
  /** Somebody wants something of an agent now: written before it is asked for. The master that holds the agent asks it. */
  RequestAgentAction: { id: ActionId, agent_id: AgentId, request: ActionRequest },
  /** What the agent answered. */
  RecordAgentAction: { agent_id: AgentId, outcome: ActionOutcome },
  CreateEnrolmentToken: {
    id: EnrolmentTokenId,
    agent_id: AgentId,
    token_hash: Sha256,
    expires_at: Timestamp,
    /** The text, for the answer to a retried request alone. */
    sealed_token: SealedSecret
  },
  RevokeEnrolmentToken: { id: EnrolmentTokenId },
  /** Burns the token and binds the agent to its public key; the same token with the same key may retry. */
  EnrolAgent: {
    token_hash: Sha256,
    /** Ed25519, SPKI in base64. */
    public_key: Schema.String,
    session_key: SessionKey,
    facts: AgentFacts,
    ip_address: Schema.String
  },
  RecordAgentFacts: { agent_id: AgentId, facts: AgentFacts, ip_address: Schema.String },
  /** The new key becomes primary; the old one stays valid as secondary until the next rotation. */
  RotateAgentKey: { agent_id: AgentId, session_key: SessionKey },

  SaveVirtualHost: { ...saveVersion, virtual_host: unstamped(VirtualHost) },
  DeleteVirtualHost: { ...removeVersion, id: VirtualHostId },
  SaveUpstream: { ...saveVersion, upstream: unstamped(Upstream) },
  DeleteUpstream: { ...removeVersion, id: UpstreamId },
  SaveCertificate: { ...saveVersion, certificate: unstamped(StoredCertificate) },
  DeleteCertificate: { ...removeVersion, id: CertificateId },
  SaveTemplate: { ...saveVersion, template: unstamped(Template) },
  DeleteTemplate: { ...removeVersion, id: TemplateId },

  RecordDeployments: {
    outcomes: Schema.Array(
      Schema.Struct({
        agent_id: AgentId,
        outcome: DeploymentOutcome,
        /** Version number of each resource of the generation by its bundle key, kept when it settled. */
        manifest: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int))
      })
    )
  },

  SaveUser: { ...save, user: unstamped(StoredUser) },
  /** Changes the password and ends every session of the user but the one that asked. */
  ChangePassword: {
    id: UserId,
    password_hash: Schema.String,
    keep_session: Schema.NullOr(SessionId),
    /** True: the person may do nothing but change it again. Since cluster version 4. */
    must_change: Schema.optionalKey(Schema.Boolean)
  },
  DeleteUser: { ...remove, id: UserId },
  SaveRole: { ...save, role: unstamped(CustomRole) },
  /** Refused while it is bound. */
  DeleteRole: { ...remove, id: RoleId },
  /** With all its members. */
  SaveGroup: { ...save, group: unstamped(Group) },
  /** Its bindings go along. */
  DeleteGroup: { ...remove, id: GroupId },
  /** A new one: bindings do not change. */
  SaveRoleBinding: { role_binding: unstamped(RoleBinding) },
  DeleteRoleBinding: { ...remove, id: RoleBindingId },
  SaveServiceAccount: { ...save, service_account: unstamped(ServiceAccount) },
  /** Its keys go along. */
  DeleteServiceAccount: { ...remove, id: ServiceAccountId },
  CreateApiKey: {
    api_key: ApiKeyContent,
    /** SHA-256 of the key's text. */
    secret_hash: Sha256,
    /** The text, for the answer to a retried request alone. */
    sealed_key: SealedSecret
  },
  RevokeApiKey: { id: ApiKeyId },
  /** What a master saw used, together and coarsely: no request writes to the log for this. */
  RecordApiKeyUses: {
    uses: Schema.Array(
      Schema.Struct({ api_key_id: ApiKeyId, at_millis: Schema.Int, remote_address: Schema.NullOr(Schema.String) })
    )
  },
  /** Login: the first refresh token of a family, as a hash. Resets the count of failures. */
  StartSession: {
    id: SessionId,
    user_id: UserId,
    refresh_hash: Sha256,
    expires_at: Timestamp,
    remote_address: Schema.String,
    /** Since cluster version 4. */
    user_agent: Schema.optionalKey(Schema.String)
  },
  /** Replaces a refresh token. One that was replaced before ends the whole family: it was stolen. */
  RotateSession: {
    id: SessionId,
    refresh_hash: Sha256,
    next_refresh_hash: Sha256,
    sealed_next: SealedSecret,
    expires_at: Timestamp
  },
  EndSession: { id: SessionId },
  SaveAlertRule: { ...save, alert_rule: unstamped(AlertRule) },
  DeleteAlertRule: { ...remove, id: AlertRuleId },
  /** Of the leader: the rules that an installation begins with, once for each number. */
  MakeAlertDefaults: { number: Schema.Int, rules: Schema.Array(unstamped(AlertRule)) },
  SaveAlertSilence: { ...save, alert_silence: unstamped(AlertSilence) },
  DeleteAlertSilence: { ...remove, id: AlertSilenceId },
  SaveWebhook: { ...save, webhook: unstamped(StoredWebhook) },
  DeleteWebhook: { ...remove, id: WebhookId },
  /** Somebody wants to see whether a message arrives. */
  TestWebhook: { id: WebhookId, delivery_id: DeliveryId },
  /** Of the leader: what it found, and which messages are to be sent about it. */
  RecordAlerts: {
    put: Schema.Array(StoredAlert),
    /** Pending ones whose condition is gone. */
    remove: Schema.Array(AlertId),
    messages: Schema.Array(Schema.Struct({ id: DeliveryId, webhook_id: WebhookId, alerts: Schema.Array(AlertId) })),
    /** Resolved ones of which nobody is to be told any more. */
    settled: Schema.Array(AlertId)
  },
  /** Of the leader: how attempts to send messages ended. */
  RecordDeliveries: {
    attempts: Schema.Array(
      Schema.Struct({
        id: DeliveryId,
        at: Timestamp,
        /** pending: it is tried again. */
        status: DeliveryStatus,
        next_attempt_at: Schema.NullOr(Timestamp),
        http_status: Schema.NullOr(Schema.Int),
        error: Schema.NullOr(Schema.String)
      })
    )
  },
  /** Ends one session of the user, or all but `keep`. Since cluster version 4. */
  EndSessions: { user_id: UserId, session_id: Schema.NullOr(SessionId), keep: Schema.NullOr(SessionId) },
  /** A link by which the person sets a password: an invitation or a reset. It replaces the one before. */
  CreatePasswordToken: {
    id: Schema.String.check(Schema.isUUID()),
    user_id: UserId,
    token_hash: Sha256,
    expires_at: Timestamp,
    /** The text, for the answer to a retried request alone. */
    sealed_token: SealedSecret
  },
  RedeemPasswordToken: { token_hash: Sha256, password_hash: Schema.String },
  RecordLoginFailure: { email: Schema.String, remote_address: Schema.String }
})
export type Command = typeof Command.Type
export type CommandTag = Command["_tag"]
export type CommandOf<Tag extends CommandTag> = Extract<Command, { readonly _tag: Tag }>

/** Makes a retried request answer what the first one did. */
export const Idempotency = Schema.Struct({ key: Schema.String, body_hash: Sha256 })
export type Idempotency = typeof Idempotency.Type

/** What the audit tells of the request that a command came with, beyond its address. */
export const RequestOrigin = Schema.Struct({
  /** As in the answer's `x-request-id` and the master's log. */
  request_id: Schema.String,
  /** What the client says that it is: any text, cut. */
  user_agent: Schema.NullOr(Schema.String)
})
export type RequestOrigin = typeof RequestOrigin.Type

/** What stands between a command and the log: who, when, and under which key it may be retried. */
export const Proposal = Schema.Struct({
  id: CommandId,
  /** Milliseconds since 1970, by the clock of the master that proposes. Apply takes the leader's time, which its entry carries. */
  at_millis: Schema.Int,
  principal: Principal,
  idempotency: Schema.NullOr(Idempotency),
  /** Where the request came from, for the audit. */
  remote_address: Schema.NullOr(Schema.String),
  /** Of a request by the API. Kept since cluster version 4. */
  origin: Schema.optionalKey(RequestOrigin),
  /** Of a leader's task: apply refuses the command in an entry of another term (design-cluster.md 8). */
  fence: Schema.optionalKey(Schema.Struct({ term: Schema.Int })),
  /** The span that proposes it (W3C traceparent), when it is recorded. Nothing that apply decides depends on it. */
  trace: Schema.optionalKey(Schema.String),
  command: Command
})
export type Proposal = typeof Proposal.Type

/** An entry's result: the same on every master, kept under its idempotency key. */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("Accepted", {
    /** Index of the entry that did it: for a replayed answer, of the first one. */
    index: Schema.Int,
    replayed: Schema.Boolean,
    /** What apply answers, in the form that the API needs: the saved resource, or `null`. */
    value: Schema.Unknown
  }),
  Schema.TaggedStruct("Rejected", { index: Schema.Int, rejection: Rejection })
])
export type Outcome = typeof Outcome.Type
