/** Settings and bounds of one node. Times are ticks, sizes bytes. */

export interface Options {
  /** Without a sign of the leader for so long, a follower campaigns: this and up to as much again, at random (thesis 3.4). */
  readonly electionTicks: number
  readonly heartbeatTicks: number
  /** Ask before a term is raised (thesis 9.6). */
  readonly preVote: boolean
  /** A leader that hears no quorum for an election timeout steps down; voters hold on to a leader they hear (thesis 6.2, 4.2.3). */
  readonly checkQuorum: boolean
  /**
   * `Confirmed`: a round of heartbeats for every batch of reads. `Lease`: none within the lease of the last; needs
   * `checkQuorum`, and trusts that ticks pass equally fast everywhere and that no process sleeps unnoticed (thesis 6.4.1).
   */
  readonly reads: "Confirmed" | "Lease"
  /** 0 campaigns first when a leader is lost; each step waits half an election timeout more. A preference: any may still lead. */
  readonly priority: number
  /** Entries of one message. */
  readonly appendBytesMax: number
  /** Appends on the way to one follower. */
  readonly inflightMessagesMax: number
  readonly inflightBytesMax: number
  /** Past it the leader refuses proposals. */
  readonly uncommittedBytesMax: number
  /** Handed to apply and not applied. */
  readonly committedBytesMax: number
  readonly unappliedEntriesMax: number
  /** Reads that wait for a confirmation. */
  readonly pendingReadsMax: number
  readonly snapshotChunkBytes: number
  /**
   * A follower that does not wait for it hears of a commit by a message of its own when it last heard of one so long ago;
   * else by the next entries, or when that time is over. 0: at once, which costs two messages for each commit.
   */
  readonly commitNoticeTicks: number
}

/** For ticks of 25 ms: heartbeats every 50 ms, elections after 250 to 500 ms. */
export const defaultOptions: Options = {
  electionTicks: 10,
  heartbeatTicks: 2,
  preVote: true,
  checkQuorum: true,
  reads: "Confirmed",
  priority: 0,
  appendBytesMax: 1_048_576,
  inflightMessagesMax: 64,
  inflightBytesMax: 16 * 1_048_576,
  uncommittedBytesMax: 64 * 1_048_576,
  committedBytesMax: 16 * 1_048_576,
  unappliedEntriesMax: 10_000,
  pendingReadsMax: 10_000,
  snapshotChunkBytes: 1_048_576,
  commitNoticeTicks: 0
}

/** What is wrong with the settings; `null`: nothing. */
export const optionsProblem = (options: Options): string | null => {
  if (options.heartbeatTicks < 1) return "heartbeatTicks must be at least 1"
  if (options.electionTicks <= options.heartbeatTicks) return "electionTicks must be greater than heartbeatTicks"
  if (options.reads === "Lease" && !options.checkQuorum) return "lease reads need checkQuorum"
  if (options.priority < 0) return "priority must not be negative"
  if (options.inflightMessagesMax < 1) return "inflightMessagesMax must be at least 1"
  if (options.inflightBytesMax < 1) return "inflightBytesMax must be at least 1"
  if (options.commitNoticeTicks < 0) return "commitNoticeTicks must not be negative"
  return null
}
