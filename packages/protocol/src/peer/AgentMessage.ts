/**
 * What masters say to each other about agents: messages for a session that another master holds, and who is connected
 * where. All of it is a hint or a request; what agents should have is in the replicated state alone.
 */
import { Schema } from "effect"
import { AgentId, Generation } from "../Ids.ts"
import { HealthReport } from "../link/Report.ts"
import { Timestamp } from "../model/Text.ts"
import { Limits } from "../Limits.ts"

/** To the session of an agent, wherever it is. */
export const AgentMessage = Schema.Union([
  /** Try what failed once more, without waiting. */
  Schema.TaggedStruct("DeployAgain", {}),
  /** What are you doing? */
  Schema.TaggedStruct("Describe", {})
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
    held: Schema.NullOr(Schema.String)
  }),
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
