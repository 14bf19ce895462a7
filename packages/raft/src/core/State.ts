/** A node's state as one value (thesis figure 3.1). Build it with `initialState`, change it with `step` alone. */
import type { Configurations } from "./Configuration.ts"
import { latest, noConfiguration } from "./Configuration.ts"
import { RaftFailure } from "./Failure.ts"
import type { Log } from "./Log.ts"
import { append, emptyLog, lastIndex, lastTerm, termAt } from "./Log.ts"
import type { Options } from "./Options.ts"
import { optionsProblem } from "./Options.ts"
import type { Progress } from "./Progress.ts"
import { emptyQueue } from "./Queue.ts"
import type { Queue } from "./Queue.ts"
import { nextRandom } from "./Random.ts"
import type { Role } from "./Ready.ts"
import type { Configuration, Context, Entry, HardState, Index, NodeId, Snapshot, Term } from "./Types.ts"

/** An append that is not durable yet. `last` shrinks when later steps truncate: what is durable then is another entry. */
export interface Write {
  readonly sequence: number
  readonly term: Term
  readonly last: Index
}

export interface PendingRead {
  readonly from: NodeId
  readonly context: Context
  readonly index: Index
  /** The first round of heartbeats that started after it. */
  readonly round: number
}

/** Reads of a leader (thesis 6.4). Rounds are counted anew in each term, and a node leads a term at most once. */
export interface Reads {
  readonly round: number
  readonly confirmed: number
  /** When the rounds not confirmed yet were sent. */
  readonly sentAt: ReadonlyArray<{ readonly round: number; readonly tick: number }>
  /** In the order of their rounds. */
  readonly pending: Queue<PendingRead>
  /** Until the first commit of the term. */
  readonly waiting: Queue<{ readonly from: NodeId; readonly context: Context }>
  /** When the last confirmed round was sent; `null`: none was. */
  readonly leaseTick: number | null
  /** Somebody was told to campaign whatever voters have heard: for the rest of the term a lease proves nothing. */
  readonly isLeaseForfeited: boolean
}

export const noReads: Reads = {
  round: 0,
  confirmed: 0,
  sentAt: [],
  pending: emptyQueue,
  waiting: emptyQueue,
  leaseTick: null,
  isLeaseForfeited: false
}

export interface Transfer {
  readonly to: NodeId
  readonly startedAt: number
  /** It was told to campaign. */
  readonly isTold: boolean
}

/** A snapshot that arrives. */
export interface Incoming {
  readonly snapshot: Snapshot
  readonly received: number
  /** A chunk is on its way to the file. */
  readonly isWriting: boolean
  readonly isInstalling: boolean
}

export interface State {
  readonly id: NodeId
  readonly options: Options
  readonly random: number

  readonly term: Term
  readonly vote: NodeId | null
  readonly role: Role
  readonly leader: NodeId | null

  readonly ticks: number
  readonly electionElapsed: number
  readonly heartbeatElapsed: number
  readonly electionTimeout: number
  /** The tick in which it last heard a leader, or was one. */
  readonly leaderHeardAt: number

  readonly log: Log
  readonly configurations: Configurations
  readonly commit: Index
  /** Entries up to here are durable on this node. */
  readonly persisted: Index
  readonly delivered: Index
  readonly applied: Index
  readonly sequence: number
  readonly writes: Queue<Write>

  readonly votes: ReadonlyMap<NodeId, boolean>
  readonly progress: ReadonlyMap<NodeId, Progress>
  /** Index of the entry that opened this leader's term. */
  readonly termStart: Index
  readonly reads: Reads
  readonly transfer: Transfer | null

  /** The newest one that this node has. */
  readonly snapshot: Snapshot | null
  readonly incoming: Incoming | null
  readonly refusesLeadership: boolean
  /** Up to there somebody has committed, and the configuration there does not name this node, though one before did; 0: not known. */
  readonly removedAsOf: Index
}

/** What a node starts from: what storage recovered. */
export interface Recovered {
  readonly id: NodeId
  readonly options: Options
  /** Differs from node to node, or elections stay split. */
  readonly seed: number
  readonly hardState: HardState
  readonly snapshot: Snapshot | null
  /** The log from its base on, which is at or before the snapshot. */
  readonly base: { readonly index: Index; readonly term: Term }
  readonly entries: ReadonlyArray<Entry>
  /**
   * The first configuration of a new cluster, the same on each of its nodes; `null` for a node that waits to be added. A
   * snapshot's takes its place.
   */
  readonly bootstrap: Configuration | null
  /** What the state machine has applied. */
  readonly applied: Index
}

export const initialHardState: HardState = { term: 0, vote: null, commit: 0 }

const configurationsOf = (base: Index, configuration: Configuration, entries: ReadonlyArray<Entry>): Configurations => [
  { index: base, configuration },
  ...entries.flatMap((entry) =>
    entry.kind === "Configuration" ? [{ index: entry.index, configuration: entry.configuration }] : []
  )
]

/** Throws RaftFailure when what was recovered cannot be one node's: it must not start from an invented state. */
export const initialState = (from: Recovered): State => {
  const problem = optionsProblem(from.options)
  if (problem !== null) throw new RaftFailure(problem)
  const log = append(emptyLog(from.base.index, from.base.term), from.entries)
  const covered = from.snapshot?.metadata.index ?? 0
  if (log.baseIndex > covered) {
    throw new RaftFailure(`the log starts after ${log.baseIndex}, the snapshot ends at ${covered}: entries are missing`)
  }
  if (covered > lastIndex(log)) {
    throw new RaftFailure(
      `the snapshot ends at ${covered}, the log at ${lastIndex(log)}: reset the log to the snapshot`
    )
  }
  if (from.snapshot !== null && termAt(log, covered) !== from.snapshot.metadata.term) {
    throw new RaftFailure(`snapshot and log have different entries at ${covered}`)
  }
  if (from.applied > lastIndex(log)) {
    throw new RaftFailure(`the state machine has applied ${from.applied}, the log ends at ${lastIndex(log)}`)
  }
  if (from.applied < log.baseIndex) {
    throw new RaftFailure(`the state machine has applied ${from.applied}, the log starts after ${log.baseIndex}`)
  }
  const term = Math.max(from.hardState.term, lastTerm(log))
  const configuration = from.snapshot?.metadata.configuration ?? from.bootstrap ?? noConfiguration
  const [wait, random] = nextRandom(from.seed, from.options.electionTicks)
  return {
    id: from.id,
    options: from.options,
    random,
    term,
    vote: term === from.hardState.term ? from.hardState.vote : null,
    role: "Follower",
    leader: null,
    ticks: 0,
    electionElapsed: 0,
    heartbeatElapsed: 0,
    electionTimeout: from.options.electionTicks + wait,
    leaderHeardAt: 0,
    log,
    configurations: configurationsOf(log.baseIndex, configuration, from.entries),
    commit: Math.min(lastIndex(log), Math.max(from.hardState.commit, covered, from.applied)),
    persisted: lastIndex(log),
    delivered: from.applied,
    applied: from.applied,
    sequence: 0,
    writes: emptyQueue,
    votes: new Map(),
    progress: new Map(),
    termStart: 0,
    reads: noReads,
    transfer: null,
    snapshot: from.snapshot,
    incoming: null,
    refusesLeadership: false,
    removedAsOf: 0
  }
}

export const configurationOf = (state: State): Configuration => latest(state.configurations).configuration
