/** What apply says has changed. Emitted after the transaction commits, in the order of the log; sessions and feeds follow it. */
import { Schema } from "effect"
import { ActionId, AgentId, MasterId, OrganizationId, SessionId, WorkspaceId } from "./Ids.ts"
import { Deployment } from "./model/Deployment.ts"
import { ResourceKind } from "./model/ResourceKind.ts"

export const Event = Schema.TaggedUnion({
  ResourceChanged: {
    kind: ResourceKind,
    id: Schema.String,
    operation: Schema.Literals(["create", "update", "delete"]),
    organization_id: Schema.NullOr(OrganizationId),
    workspace_id: Schema.NullOr(WorkspaceId)
  },
  /** The bundles of these agents may have changed: what targets them, or their labels. */
  BundlesChanged: { agent_ids: Schema.Array(AgentId) },
  AgentEnrolled: { agent_id: AgentId },
  AgentRemoved: { agent_id: AgentId },
  DeploymentRecorded: { deployment: Deployment },
  /** Somebody wants something of this agent: the master that holds it asks it. */
  AgentActionRequested: { agent_id: AgentId },
  /** It was answered. */
  AgentActionEnded: { agent_id: AgentId, action_id: ActionId },
  SessionEnded: { session_id: SessionId },
  /** Whether agents may be told to deploy: also when a new epoch begins, which is frozen. */
  FreezeChanged: { frozen: Schema.Boolean },
  /** Directives count from here anew (design-cluster.md 1). */
  EpochOpened: { epoch: Schema.Int },
  /** From this entry on the state has the schema and apply the behaviour of this version (design-cluster.md 6). */
  ClusterVersionRaised: { version: Schema.Int },
  /** A check of the masters' states began, or a master said what it has (design-cluster.md 12). */
  StateCheckChanged: {},
  /** This master holds the newest connections of these agents. Whoever else holds one of them closes it. */
  AgentsClaimed: { agent_ids: Schema.Array(AgentId), master_id: MasterId, incarnation: Schema.String },
  /** State was replaced as a whole: caches, feeds and sessions start over. */
  StateReset: {}
})
export type Event = typeof Event.Type

/** An event and the index of the entry that caused it. */
export interface AppliedEvent {
  readonly index: number
  readonly event: Event
  /** Where the entry's trace goes on (W3C traceparent), when it is recorded. */
  readonly trace?: string
}
