/** What nodes say to each other (thesis figure 3.1, 4.2.3, 5.3, 6.4, 9.6). Any message may be lost, doubled or late. */
import type { Context, Entry, Index, NodeId, Snapshot, Term } from "./Types.ts"
import type { Accepted, Refused } from "./Ready.ts"

interface Envelope {
  readonly from: NodeId
  readonly to: NodeId
  /** The sender's; for a pre-vote and its grant the term that the candidate would campaign in. */
  readonly term: Term
}

/** Would you vote for me? Changes nothing at whoever is asked (thesis 9.6). */
export interface PreVoteRequest extends Envelope {
  readonly _tag: "PreVoteRequest"
  readonly lastIndex: Index
  readonly lastTerm: Term
}
export interface PreVoteResponse extends Envelope {
  readonly _tag: "PreVoteResponse"
  readonly granted: boolean
}
export interface VoteRequest extends Envelope {
  readonly _tag: "VoteRequest"
  readonly lastIndex: Index
  readonly lastTerm: Term
  /** The leader itself asked for this election: voters do not hold on to it (thesis 4.2.3). */
  readonly transfer: boolean
}
export interface VoteResponse extends Envelope {
  readonly _tag: "VoteResponse"
  readonly granted: boolean
}
export interface AppendRequest extends Envelope {
  readonly _tag: "AppendRequest"
  readonly previousIndex: Index
  readonly previousTerm: Term
  readonly entries: ReadonlyArray<Entry>
  readonly commit: Index
}
/** The log is durable and like the leader's up to `index`. */
export interface AppendAccepted extends Envelope {
  readonly _tag: "AppendAccepted"
  readonly index: Index
}
/** There is another entry at `index`, or none; the logs may agree up to `hintIndex` (thesis 3.5, end). */
export interface AppendRejected extends Envelope {
  readonly _tag: "AppendRejected"
  readonly index: Index
  readonly hintIndex: Index
  readonly hintTerm: Term
}
/** Carries no entries: neither a slow disk nor a full window delays it. */
export interface Heartbeat extends Envelope {
  readonly _tag: "Heartbeat"
  readonly commit: Index
  /** Counts the heartbeats of a term: an answer confirms what was asked before this one was sent, and nothing later. */
  readonly round: number
}
export interface HeartbeatResponse extends Envelope {
  readonly _tag: "HeartbeatResponse"
  readonly round: number
}
/** Am I still a member? Of a learner that hears no leader. */
export interface MembershipRequest extends Envelope {
  readonly _tag: "MembershipRequest"
}
/** The configuration that is in effect at the sender's commit index does not name whom this is sent to. */
export interface Removed extends Envelope {
  readonly _tag: "Removed"
  readonly commit: Index
}
/** Tells a leader of an old term that it is one. */
export interface StaleTerm extends Envelope {
  readonly _tag: "StaleTerm"
}
/** Part of a snapshot's file; the last ends at `snapshot.bytes`. */
export interface SnapshotChunk extends Envelope {
  readonly _tag: "SnapshotChunk"
  readonly snapshot: Snapshot
  readonly offset: number
  readonly data: Uint8Array
}
/** The next byte that is wanted; `failed`: the whole was refused, for example by its checksum. */
export interface SnapshotResponse extends Envelope {
  readonly _tag: "SnapshotResponse"
  readonly id: string
  readonly offset: number
  readonly failed: boolean
}
/** Campaign at once (thesis 3.10). */
export interface TimeoutNow extends Envelope {
  readonly _tag: "TimeoutNow"
}
export interface ProposeRequest extends Envelope {
  readonly _tag: "ProposeRequest"
  readonly context: Context
  readonly data: ReadonlyArray<Uint8Array>
}
export interface ProposeResponse extends Envelope {
  readonly _tag: "ProposeResponse"
  readonly result: Accepted | Refused
}
export interface ReadRequest extends Envelope {
  readonly _tag: "ReadRequest"
  readonly context: Context
}
export interface ReadResponse extends Envelope {
  readonly _tag: "ReadResponse"
  readonly context: Context
  /** `null`: refused, ask again with another context. */
  readonly index: Index | null
}
export interface TransferRequest extends Envelope {
  readonly _tag: "TransferRequest"
  readonly target: NodeId
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatResponse
  | StaleTerm
  | SnapshotChunk
  | SnapshotResponse
  | TimeoutNow
  | ProposeRequest
  | ProposeResponse
  | ReadRequest
  | ReadResponse
  | TransferRequest
  | MembershipRequest
  | Removed

type WithoutSender<M> = M extends Message ? Omit<M, "from" | "term"> : never
/** A message before its sender has signed it. */
export type Body = WithoutSender<Message>
