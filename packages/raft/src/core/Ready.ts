/**
 * What a step asks of the driver, as data. The driver's duties, in this order (thesis figure 3.1 and 10.2.1):
 *
 * 1. `messages` may leave at once, also before `append` is durable.
 * 2. `append` goes to storage, in the order of `sequence`; when it is durable the driver answers `Persisted`.
 * 3. `messagesAfterPersist` leave once every append up to and with this Ready's is durable; without one in this Ready,
 *    once all earlier ones are. Those whose term is no longer the node's may be dropped.
 * 4. `committed` is applied in order; the driver answers `Applied`.
 * 5. `snapshotReads`, `snapshotWrite` and `snapshotInstall` are work on files, each answered by an input.
 */
import type { Message } from "./Message.ts"
import type { Context, Entry, HardState, Index, NodeId, Snapshot, Term } from "./Types.ts"

export interface Append {
  /** Counts the appends of this run of the node, from 1. */
  readonly sequence: number
  readonly hardState: HardState | null
  /** Entries from here on are dropped before `entries` are written. */
  readonly truncateFrom: Index | null
  readonly entries: ReadonlyArray<Entry>
  /** Whether anything depends on its durability. */
  readonly mustSync: boolean
}

/** The leader has the entries in its log; whether they commit is known when an entry of that term is applied there. */
export interface Accepted {
  readonly _tag: "Accepted"
  readonly context: Context
  readonly term: Term
  readonly first: Index
  readonly last: Index
}

/** Nothing was appended, nothing was read: it may be tried again. */
export interface Refused {
  readonly _tag: "Refused"
  readonly context: Context
  readonly reason: RefusalReason
  /** Who leads, as far as this node knows. */
  readonly leader: NodeId | null
}

export type RefusalReason =
  | "NotLeader"
  | "LeadershipLost"
  | "TooMuchUncommitted"
  | "TooMuchUnapplied"
  | "TransferInProgress"
  | "ConfigurationInProgress"
  | "ConfigurationBeforeTermCommit"
  | "ConfigurationOutdated"
  | "ConfigurationInvalid"
  | "TooManyReads"

/** A read may be answered from a state that has applied `index` (thesis 6.4). */
export interface ReadConfirmed {
  readonly context: Context
  readonly index: Index
}

/** Read `length` bytes of a snapshot's file and send them as a SnapshotChunk (`chunkOf` in Snapshot.ts makes it). */
export interface SnapshotRead {
  readonly to: NodeId
  readonly term: Term
  readonly snapshot: Snapshot
  readonly offset: number
  readonly length: number
}

/**
 * Write part of a snapshot to its file, then answer `SnapshotStored` with where the next part goes: after `data`, or
 * further on when the file holds more of this very snapshot from before a restart. At offset 0 any other file is dropped.
 */
export interface SnapshotWrite {
  readonly snapshot: Snapshot
  readonly offset: number
  readonly data: Uint8Array
}

export type Role = "Follower" | "PreCandidate" | "Candidate" | "Leader"

export interface SoftState {
  readonly role: Role
  readonly leader: NodeId | null
  readonly term: Term
}

export interface Ready {
  readonly append: Append | null
  readonly messages: ReadonlyArray<Message>
  readonly messagesAfterPersist: ReadonlyArray<Message>
  /** Committed and durable here; never more bytes unapplied than `committedBytesMax`, though at least one entry. */
  readonly committed: ReadonlyArray<Entry>
  readonly snapshotReads: ReadonlyArray<SnapshotRead>
  readonly snapshotWrite: SnapshotWrite | null
  /**
   * The file is whole: verify it, put it in place of the state machine's state and of the log, make that durable, answer
   * `SnapshotInstalled`; or `SnapshotRefused`. Until then nothing is committed and no append accepted.
   */
  readonly snapshotInstall: Snapshot | null
  readonly reads: ReadonlyArray<ReadConfirmed>
  readonly accepted: ReadonlyArray<Accepted>
  readonly dropped: ReadonlyArray<Refused>
  /** `null`: unchanged. */
  readonly soft: SoftState | null
}
