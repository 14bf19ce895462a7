/**
 * What masters say to each other about agents: messages for a session that another master holds, and who is connected
 * where. All of it is a hint or a request; what agents should have is in the replicated state alone.
 */
import { Schema } from "effect"
import { AgentId, Generation } from "../Ids.ts"
import { HealthReport } from "../model/Health.ts"
import { ActionOutcome } from "../model/AgentAction.ts"
import { StoredCertificate } from "../model/Certificate.ts"
import { Template } from "../model/Template.ts"
import { Upstream } from "../model/Upstream.ts"
import { VirtualHost } from "../model/VirtualHost.ts"
import { Timestamp } from "../model/Text.ts"
import { Limits } from "../Limits.ts"

/** A resource as it would be saved. A certificate's key is sealed with the cluster's key, as it rests. */
export const ResourceDraft = Schema.Union([
  Schema.TaggedStruct("virtual_host", { data: VirtualHost }),
  Schema.TaggedStruct("upstream", { data: Upstream }),
  Schema.TaggedStruct("certificate", { data: StoredCertificate }),
  Schema.TaggedStruct("template", { data: Template })
])
export type ResourceDraft = typeof ResourceDraft.Type

/** To the session of an agent, wherever it is. */
export const AgentMessage = Schema.Union([
  /** Try what failed once more, without waiting. */
  Schema.TaggedStruct("DeployAgain", {}),
  /** What are you doing? */
  Schema.TaggedStruct("Describe", {}),
  /** What does nginx there say of the configuration with these drafts? Nothing is changed. */
  Schema.TaggedStruct("Preflight", {
    /** The state that the drafts are laid over holds this entry at least. */
    min_index: Schema.Int,
    drafts: Schema.Array(ResourceDraft).check(Schema.isMaxLength(Limits.previewDraftsMax))
  })
])
export type AgentMessage = typeof AgentMessage.Type

export const AgentReply = Schema.Union([
  Schema.TaggedStruct("Taken", {}),
  Schema.TaggedStruct("Described", {
    desired: Generation,
    serving: Schema.NullOr(Generation),
    /** The generation of the deployment that is under way. */
    in_flight: Schema.NullOr(Generation),
    /** Why nothing is deployed; `null` when it may be. */
    held: Schema.NullOr(Schema.String),
    /** The version of the link that the agent and its master speak; absent of a master that does not say. */
    protocol: Schema.optionalKey(Schema.Int)
  }),
  /** What the agent answered. */
  Schema.TaggedStruct("Performed", { outcome: ActionOutcome }),
  /** It cannot be asked of this agent, for this reason. */
  Schema.TaggedStruct("Unable", { reason: Schema.String }),
  /** The session is not here, or no longer. */
  Schema.TaggedStruct("NotConnected", {}),
  /** Its mailbox is full. */
  Schema.TaggedStruct("Busy", {})
])
export type AgentReply = typeof AgentReply.Type

/** One agent as a master knows it by its own connections. */
export const AgentSighting = Schema.Struct({
  agent_id: AgentId,
  connection_epoch: Schema.Int,
  connected: Schema.Boolean,
  /** Not connected because this master sent it to another one. */
  moving: Schema.Boolean,
  last_seen_at: Timestamp,
  serving: Schema.NullOr(Generation),
  health: Schema.NullOr(HealthReport)
})
export type AgentSighting = typeof AgentSighting.Type

/** What has changed since the place where the last answer ended? `null` asks for everything. */
export const PresenceQuestion = Schema.Struct({
  since: Schema.NullOr(Schema.Struct({ incarnation: Schema.String, sequence: Schema.Int }))
})
export type PresenceQuestion = typeof PresenceQuestion.Type

export const PresenceAnswer = Schema.Struct({
  /** Of the answering process. Another one than was asked for: what was known of the old one is void, and this is a beginning. */
  incarnation: Schema.String,
  /** To ask from next time. */
  sequence: Schema.Int,
  /** True when there is more to be had at once. */
  more: Schema.Boolean,
  /** Agents connected to this master. */
  sessions: Schema.Int,
  /** True while it takes agents: it knows a leader. */
  accepting: Schema.Boolean,
  agents: Schema.Array(AgentSighting).check(Schema.isMaxLength(Limits.sightingsPerAnswerMax))
})
export type PresenceAnswer = typeof PresenceAnswer.Type
