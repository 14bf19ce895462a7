/**
 * What a client asks of a node over the network, on the same port and with the same identities as the nodes: any member
 * takes a call and, when it does not lead, passes it on to the leader. A client that gets no answer asks again, through
 * whichever node, with the same session and serial: the command is executed once (thesis 6.3).
 */
import { Schema } from "effect"
import { ConfigurationSchema, Count, NodeId, RefusalReasonSchema } from "./MessageSchema.ts"

/** Index of the entry that opened the session. */
const SessionId = Count

export const Call = Schema.Union([
  /** A session for commands that are executed once. Answered by `Opened`. */
  Schema.TaggedStruct("OpenSession", {}),
  /** Answered by `Applied`. */
  Schema.TaggedStruct("Propose", {
    session: SessionId,
    /** From 1; a retry repeats it. */
    serial: Count,
    /** The client has the answers to all serials below. */
    acknowledged: Count,
    data: Schema.Uint8Array
  }),
  /** A linearizable read, which leaves no entry in the log (thesis 6.4). Answered by `Answered`. */
  Schema.TaggedStruct("Query", { data: Schema.Uint8Array }),
  /** Only the leader takes it. Answered by `Changed` when the target is committed (a joint phase may still end by itself). */
  Schema.TaggedStruct("ChangeMembers", {
    voters: Schema.Array(NodeId),
    learners: Schema.Array(NodeId),
    /** Index of the configuration that it replaces; `null`: whatever is in effect. */
    expectedIndex: Schema.NullOr(Count)
  }),
  /** Answered by `Described`. */
  Schema.TaggedStruct("Describe", {})
])
export type Call = typeof Call.Type

/** Why there is no result. `Refused`: nothing happened, or will. `Unknown`: it may have happened, or may still. */
export const Failure = Schema.Union([
  Schema.TaggedStruct("Refused", {
    reason: Schema.Literals([
      ...RefusalReasonSchema.literals,
      "LogFull",
      "SessionExpired",
      "TooManyAnswers",
      "Stopped",
      "TooLarge"
    ]),
    leader: Schema.NullOr(NodeId)
  }),
  Schema.TaggedStruct("Unknown", {
    reason: Schema.Literals(["TimedOut", "SessionExpired", "TooManyAnswers", "Stopped"])
  })
])
export type Failure = typeof Failure.Type

export const Answer = Schema.Union([
  Schema.TaggedStruct("Opened", { session: SessionId }),
  Schema.TaggedStruct("Applied", { index: Count, result: Schema.Uint8Array }),
  Schema.TaggedStruct("Answered", { index: Count, data: Schema.Uint8Array }),
  Schema.TaggedStruct("Changed", { index: Count }),
  Schema.TaggedStruct("Described", {
    leader: Schema.NullOr(NodeId),
    configuration: ConfigurationSchema,
    configurationIndex: Count
  }),
  Schema.TaggedStruct("Failed", { failure: Failure })
])
export type Answer = typeof Answer.Type
