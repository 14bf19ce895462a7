/** How a node stands, for people, metrics and decisions about members. */
import type { CatchUpVerdict } from "../core/CatchUp.ts"
import type { Progress } from "../core/Progress.ts"
import type { Role } from "../core/Ready.ts"
import type { Configuration, Index, NodeId, Term } from "../core/Types.ts"

/** As the host's thread tells it. */
export interface Status extends ReplicaStatus {
  /** Commands that were applied and were no envelope, since the start: nothing was executed for them, on any node. */
  readonly undecodable: number
}

/** As the Raft thread knows it. */
export interface ReplicaStatus {
  readonly id: NodeId
  readonly role: Role
  readonly term: Term
  readonly leader: NodeId | null
  readonly configuration: Configuration
  /** Whether `configuration` names this node, as a voter or a learner. A node that waits to be added is none yet. */
  readonly isMember: boolean
  /**
   * A committed configuration has left this node out: it takes part no more, and its state stays as it is. Under this id it
   * comes back only if it is added again; a master ends, says so, and joins as another node with an empty data directory.
   * While this is `false` nothing is sure: a removed node that reaches no member waits, as one that is cut off.
   */
  readonly isRemoved: boolean
  /** Names the configuration for the next change. */
  readonly configurationIndex: Index
  readonly firstIndex: Index
  readonly lastIndex: Index
  readonly persisted: Index
  readonly commit: Index
  readonly applied: Index
  readonly snapshotIndex: Index
  readonly logBytes: number
  /** Proposals that wait for their result on this node. */
  readonly pendingProposals: number
  /** How long the oldest append waits for its flush; 0: none waits. */
  readonly flushMillis: number
  /** How long the host's thread has not answered; 0: it answers. */
  readonly hostMillis: number
  /** Why this node declines to lead; `null`: it does not. */
  readonly declines: "DiskStalls" | "HostStalls" | null
  /** Why the last snapshot that this node tried to make failed; `null`: it did not. */
  readonly snapshotFailure: string | null
  /** As a leader: how far the others are. Empty on others. */
  readonly peers: ReadonlyArray<PeerStatus>
  readonly counters: Counters
}

export interface PeerStatus {
  readonly id: NodeId
  readonly mode: Progress["mode"]
  readonly match: Index
  readonly isActive: boolean
  /** Of a learner: whether it may be promoted now (thesis 4.2.1), judged at each tick of this leader; `null`: it votes. */
  readonly catchUp: CatchUpVerdict | null
}

/** Since the node started. */
export interface Counters {
  readonly elections: number
  readonly leaderChanges: number
  readonly proposals: number
  readonly proposalsRefused: number
  readonly proposalsUnknown: number
  readonly proposalsRetried: number
  readonly reads: number
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly appends: number
  readonly appendedBytes: number
  readonly flushes: number
  /** What appends waited for them: of each flush, the oldest that it made durable. */
  readonly flushSeconds: number
  readonly snapshotsTaken: number
  readonly snapshotsFailed: number
  readonly snapshotsInstalled: number
  readonly handovers: number
}
