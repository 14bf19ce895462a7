/**
 * What a message says, without the bytes that it carries (MessageFormat.ts): the shape that every message from a peer is
 * checked against before the core sees it.
 */
import { Schema } from "effect"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const NodeId = Schema.NonEmptyString
const Context = Schema.String

const envelope = { from: NodeId, to: NodeId, term: Count }

export const ConfigurationSchema = Schema.Struct({
  voters: Schema.Array(NodeId),
  learners: Schema.Array(NodeId),
  outgoing: Schema.Array(NodeId),
  learnersNext: Schema.Array(NodeId),
  autoLeave: Schema.Boolean
})

const SnapshotSchema = Schema.Struct({
  metadata: Schema.Struct({ index: Count, term: Count, configuration: ConfigurationSchema }),
  bytes: Count,
  checksum: Schema.Int
})

const Accepted = Schema.TaggedStruct("Accepted", { context: Context, term: Count, first: Count, last: Count })
const Refused = Schema.TaggedStruct("Refused", {
  context: Context,
  reason: Schema.Literals([
    "NotLeader",
    "LeadershipLost",
    "TooMuchUncommitted",
    "TooMuchUnapplied",
    "TransferInProgress",
    "ConfigurationInProgress",
    "ConfigurationBeforeTermCommit",
    "ConfigurationOutdated",
    "ConfigurationInvalid",
    "TooManyReads"
  ]),
  leader: Schema.NullOr(NodeId)
})

const lastEntry = { lastIndex: Count, lastTerm: Count }

export const MessageHead = Schema.Union([
  Schema.TaggedStruct("PreVoteRequest", { ...envelope, ...lastEntry }),
  Schema.TaggedStruct("PreVoteResponse", { ...envelope, granted: Schema.Boolean }),
  Schema.TaggedStruct("VoteRequest", { ...envelope, ...lastEntry, transfer: Schema.Boolean }),
  Schema.TaggedStruct("VoteResponse", { ...envelope, granted: Schema.Boolean }),
  Schema.TaggedStruct("AppendRequest", { ...envelope, previousIndex: Count, previousTerm: Count, commit: Count }),
  Schema.TaggedStruct("AppendAccepted", { ...envelope, index: Count }),
  Schema.TaggedStruct("AppendRejected", { ...envelope, index: Count, hintIndex: Count, hintTerm: Count }),
  Schema.TaggedStruct("Heartbeat", { ...envelope, commit: Count, round: Count }),
  Schema.TaggedStruct("HeartbeatResponse", { ...envelope, round: Count }),
  Schema.TaggedStruct("StaleTerm", envelope),
  Schema.TaggedStruct("SnapshotChunk", { ...envelope, snapshot: SnapshotSchema, offset: Count }),
  Schema.TaggedStruct("SnapshotResponse", { ...envelope, id: Schema.String, offset: Count, failed: Schema.Boolean }),
  Schema.TaggedStruct("TimeoutNow", envelope),
  Schema.TaggedStruct("ProposeRequest", { ...envelope, context: Context }),
  Schema.TaggedStruct("ProposeResponse", { ...envelope, result: Schema.Union([Accepted, Refused]) }),
  Schema.TaggedStruct("ReadRequest", { ...envelope, context: Context }),
  Schema.TaggedStruct("ReadResponse", { ...envelope, context: Context, index: Schema.NullOr(Count) }),
  Schema.TaggedStruct("TransferRequest", { ...envelope, target: NodeId })
])
export type MessageHead = typeof MessageHead.Type
