/** The process beside one nginx (CF-002). */
import { Schema } from "effect"
import { AgentId, EnrolmentTokenId, Generation, WorkspaceId } from "../Ids.ts"
import { AgentPolicy, AgentPolicyChoice } from "./AgentPolicy.ts"
import { DeploymentError } from "./Deployment.ts"
import { HealthReport } from "./Health.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Labels, Name, Timestamp } from "./Text.ts"

/**
 * Pending: made, never connected. Online: connected and healthy. Offline: was connected, is not. Degraded: connected,
 * but a check or the last deployment failed. Maintenance: put there by a person, and left alone.
 */
export const AgentState = Schema.Literals(["Pending", "Online", "Offline", "Degraded", "Maintenance"])
export type AgentState = typeof AgentState.Type

export const DeploymentMode = Schema.Literals(["docker_sidecar", "k8s_sidecar", "standalone"])
export type DeploymentMode = typeof DeploymentMode.Type

/** What nginx on the agent's machine can do, read from `nginx -V`. */
export const NginxCapabilities = Schema.Struct({
  /** As in `1.22.1`. */
  version: Schema.String,
  /** Modules and features by name, as in `http_v2`, `http_v3`, `http_realip`, `stream`. */
  modules: Schema.Array(Schema.String)
}).annotate({ identifier: "NginxCapabilities" })
export type NginxCapabilities = typeof NginxCapabilities.Type

/** What an agent says of itself when it enrols or registers. */
export const AgentFacts = Schema.Struct({
  hostname: Schema.String.check(Schema.isMaxLength(253)),
  version: Schema.String.check(Schema.isMaxLength(64)),
  deployment_mode: DeploymentMode,
  nginx: Schema.NullOr(NginxCapabilities),
  capabilities: Schema.Array(Schema.String.check(Schema.isMaxLength(64))).check(Schema.isMaxLength(64)),
  /** What it was started with. They count once, at its first enrolment; an agent that has none sends none. */
  labels: Schema.optionalKey(Labels)
}).annotate({ identifier: "AgentFacts" })
export type AgentFacts = typeof AgentFacts.Type

const fields = {
  name: Name,
  labels: Labels,
  /** Put in maintenance by a person: nothing is deployed there until it ends. */
  maintenance: Schema.Boolean,
  /** Least time between two reloads of this agent's nginx; changes that come sooner merge. 0 means no wait. */
  reload_interval_seconds: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_600 }))
}

/** Somebody stopped nginx: that it does not run is no fault. */
export const NginxStopped = Schema.Struct({
  /** The person's name. */
  by: Schema.String,
  at: Timestamp
}).annotate({ identifier: "NginxStopped" })
export type NginxStopped = typeof NginxStopped.Type

/** As stored and replicated. */
export const StoredAgent = Schema.Struct({
  id: AgentId,
  workspace_id: WorkspaceId,
  ...fields,
  /** Absent: nothing is chosen for this agent by itself. Since cluster version 3, like the two below. */
  policy: Schema.optionalKey(AgentPolicyChoice),
  /** What the maintenance is about, where somebody said it; absent outside maintenance. */
  maintenance_reason: Schema.optionalKey(Schema.String),
  /** Absent: nobody did, or nginx was started again since. */
  nginx_stopped: Schema.optionalKey(NginxStopped),
  facts: Schema.NullOr(AgentFacts),
  ip_address: Schema.NullOr(Schema.String),
  enrolled_at: Schema.NullOr(Timestamp),
  ...stamps
})
export type StoredAgent = typeof StoredAgent.Type

/** As answered: the stored agent, its facts flattened as the specification has them, and what its session knows. */
export const Agent = Schema.Struct({
  id: AgentId,
  workspace_id: WorkspaceId,
  ...fields,
  /** What is chosen for this agent; what is absent comes from its workspace. */
  policy: AgentPolicyChoice,
  /** What holds for the agent. */
  effective_policy: AgentPolicy,
  maintenance_reason: Schema.NullOr(Schema.String),
  nginx_stopped: Schema.NullOr(NginxStopped),
  hostname: Schema.NullOr(Schema.String),
  ip_address: Schema.NullOr(Schema.String),
  version: Schema.NullOr(Schema.String),
  nginx_version: Schema.NullOr(Schema.String),
  state: AgentState,
  /** Why the state is what it is, in one sentence; `null` when there is nothing to say. */
  state_reason: Schema.NullOr(Schema.String),
  deployment_mode: Schema.NullOr(DeploymentMode),
  last_seen_at: Schema.NullOr(Timestamp),
  /** What it reported last: how nginx is, alerts, drift with its diff, servers left out; `null` before its first report. */
  health: Schema.NullOr(HealthReport),
  capabilities: Schema.Array(Schema.String),
  /** What the agent should serve. */
  desired_generation: Generation,
  /** What it proved to serve, at its last settled deployment. */
  serving_generation: Schema.NullOr(Generation),
  /** Resources that are left out of what it serves because nginx refuses them, each with nginx's own words. */
  quarantined: Schema.Array(DeploymentError),
  ...stamps
}).annotate({ identifier: "Agent" })
export type Agent = typeof Agent.Type

export const AgentCreate = Schema.Struct({
  workspace_id: WorkspaceId,
  name: fields.name,
  labels: withDefault(fields.labels, {}),
  maintenance: withDefault(fields.maintenance, false),
  reload_interval_seconds: withDefault(fields.reload_interval_seconds, 0),
  policy: Schema.optionalKey(AgentPolicyChoice)
}).annotate({ identifier: "AgentCreate" })
export type AgentCreate = typeof AgentCreate.Type
export const AgentPatch = patch({ ...fields, policy: AgentPolicyChoice }).annotate({ identifier: "AgentPatch" })
export type AgentPatch = typeof AgentPatch.Type

/** A one-time token by which an agent enrols. Only its hash is stored; the text is answered once. */
export const EnrolmentToken = Schema.Struct({
  id: EnrolmentTokenId,
  agent_id: AgentId,
  created_at: Timestamp,
  expires_at: Timestamp,
  used_at: Schema.NullOr(Timestamp)
}).annotate({ identifier: "EnrolmentToken" })
export type EnrolmentToken = typeof EnrolmentToken.Type

/** The answer that holds the token's text, and the command that enrols with it. */
export const IssuedEnrolmentToken = Schema.Struct({
  ...EnrolmentToken.fields,
  token: Schema.String,
  /** SHA-256 of the cluster CA's certificate (DER), which the agent pins. */
  ca_fingerprint: Schema.String,
  /** Ready to paste on the agent's machine. */
  command: Schema.String
}).annotate({ identifier: "IssuedEnrolmentToken" })
export type IssuedEnrolmentToken = typeof IssuedEnrolmentToken.Type

export const EnrolmentTokenCreate = Schema.Struct({
  ttl_seconds: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 60, maximum: 86_400 })), 3_600)
}).annotate({ identifier: "EnrolmentTokenCreate" })
