/** The messages of the core (core/Message.ts) as a schema: what every message from a peer is checked against before the core sees it. */
import { Schema } from "effect"

export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
export const NodeId = Schema.NonEmptyString
const Context = Schema.String

const envelope = { from: NodeId, to: NodeId, term: Count }
const lastEntry = { lastIndex: Count, lastTerm: Count }

export const ConfigurationSchema = Schema.Struct({
  voters: Schema.Array(NodeId),
  learners: Schema.Array(NodeId),
  outgoing: Schema.Array(NodeId),
  learnersNext: Schema.Array(NodeId),
  autoLeave: Schema.Boolean
})

const place = { index: Count, term: Count }

const EntrySchema = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("Empty"), ...place }),
  Schema.Struct({ kind: Schema.Literal("Command"), ...place, data: Schema.Uint8Array }),
  Schema.Struct({ kind: Schema.Literal("Configuration"), ...place, configuration: ConfigurationSchema })
])

const SnapshotSchema = Schema.Struct({
  metadata: Schema.Struct({ index: Count, term: Count, configuration: ConfigurationSchema }),
  bytes: Count,
  checksum: Schema.Int
})

export const RefusalReasonSchema = Schema.Literals([
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
])

const Accepted = Schema.TaggedStruct("Accepted", { context: Context, term: Count, first: Count, last: Count })
const Refused = Schema.TaggedStruct("Refused", {
  context: Context,
  reason: RefusalReasonSchema,
  leader: Schema.NullOr(NodeId)
})

export const MessageSchema = Schema.Union([
  Schema.TaggedStruct("PreVoteRequest", { ...envelope, ...lastEntry }),
  Schema.TaggedStruct("PreVoteResponse", { ...envelope, granted: Schema.Boolean }),
  Schema.TaggedStruct("VoteRequest", { ...envelope, ...lastEntry, transfer: Schema.Boolean }),
  Schema.TaggedStruct("VoteResponse", { ...envelope, granted: Schema.Boolean }),
  Schema.TaggedStruct("AppendRequest", {
    ...envelope,
    previousIndex: Count,
    previousTerm: Count,
    entries: Schema.Array(EntrySchema),
    commit: Count
  }),
  Schema.TaggedStruct("AppendAccepted", { ...envelope, index: Count }),
  Schema.TaggedStruct("AppendRejected", { ...envelope, index: Count, hintIndex: Count, hintTerm: Count }),
  Schema.TaggedStruct("Heartbeat", { ...envelope, commit: Count, round: Count }),
  Schema.TaggedStruct("HeartbeatResponse", { ...envelope, round: Count }),
  Schema.TaggedStruct("StaleTerm", envelope),
  Schema.TaggedStruct("SnapshotChunk", {
    ...envelope,
    snapshot: SnapshotSchema,
    offset: Count,
    data: Schema.Uint8Array
  }),
  Schema.TaggedStruct("SnapshotResponse", { ...envelope, id: Schema.String, offset: Count, failed: Schema.Boolean }),
  Schema.TaggedStruct("TimeoutNow", envelope),
  Schema.TaggedStruct("ProposeRequest", { ...envelope, context: Context, data: Schema.Array(Schema.Uint8Array) }),
  Schema.TaggedStruct("ProposeResponse", { ...envelope, result: Schema.Union([Accepted, Refused]) }),
  Schema.TaggedStruct("ReadRequest", { ...envelope, context: Context }),
  Schema.TaggedStruct("ReadResponse", { ...envelope, context: Context, index: Schema.NullOr(Count) }),
  Schema.TaggedStruct("TransferRequest", { ...envelope, target: NodeId }),
  Schema.TaggedStruct("MembershipRequest", envelope),
  Schema.TaggedStruct("Removed", { ...envelope, commit: Count })
])
