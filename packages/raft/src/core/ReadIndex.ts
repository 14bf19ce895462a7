/**
 * Linearizable reads without log entries (thesis 6.4), and with a lease (6.4.1). Heartbeats are counted; a read waits for
 * a quorum's answers to a round that started after it. Since no round has a number twice, an answer to an old one never
 * confirms a newer read, whatever slept in between (etcd 20418).
 */
import { quorumReached } from "./Quorum.ts"
import { dequeueWhile, emptyQueue, enqueue, queueItems, queueSize } from "./Queue.ts"
import type { HeartbeatResponse, ReadResponse } from "./Message.ts"
import type { Reads } from "./State.ts"
import { configurationIn, refuseRead, send, setProgress } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { Context, Index, NodeId } from "./Types.ts"

/** Rounds without an answer whose time is kept, for the lease. */
const roundsRememberedMax = 64

/** A round of heartbeats to everyone. They carry no more of the commit index than the receiver has acknowledged. */
export const sendHeartbeats = (turn: Turn): void => {
  const { state } = turn
  const round = state.reads.round + 1
  state.heartbeatElapsed = 0
  state.reads = {
    ...state.reads,
    round,
    sentAt: [...state.reads.sentAt.slice(-roundsRememberedMax), { round, tick: state.ticks }]
  }
  for (const [to, { match }] of state.progress) {
    send(turn, { _tag: "Heartbeat", to, commit: Math.min(match, state.commit), round })
  }
  confirm(turn)
}

/** A read of this node, or one forwarded by `from`. Only a leader comes here. */
export const readAtLeader = (turn: Turn, from: NodeId, context: Context): void => {
  const { state } = turn
  if (queueSize(state.reads.pending) + queueSize(state.reads.waiting) >= state.options.pendingReadsMax) {
    refuseRead(turn, from, context, "TooManyReads")
  } else if (state.commit < state.termStart) {
    // What earlier terms committed is not known before this term has committed something.
    state.reads = { ...state.reads, waiting: enqueue(state.reads.waiting, { from, context }) }
  } else begin(turn, from, context)
}

const begin = (turn: Turn, from: NodeId, context: Context): void => {
  const { state } = turn
  if (isLeased(turn)) {
    answer(turn, from, context, state.commit)
    return
  }
  const read = { from, context, index: state.commit, round: state.reads.round + 1 }
  state.reads = { ...state.reads, pending: enqueue(state.reads.pending, read) }
  // One round at a time: reads that come while it is on its way share the next.
  if (state.reads.confirmed === state.reads.round) sendHeartbeats(turn)
}

/** Half an election timeout from when the confirmed round left; never while leadership is being handed over. */
const isLeased = ({ state }: Turn): boolean =>
  state.options.reads === "Lease" &&
  state.transfer === null &&
  !state.reads.isLeaseForfeited &&
  state.reads.leaseTick !== null &&
  state.ticks - state.reads.leaseTick < state.options.electionTicks / 2

const answer = (turn: Turn, to: NodeId, context: Context, index: Index): void => {
  if (to === turn.state.id) turn.reads.push({ context, index })
  else send(turn, { _tag: "ReadResponse", to, context, index })
}

/** The term's first commit: reads that waited for it begin. */
export const beginWaitingReads = (turn: Turn): void => {
  const { state } = turn
  const { waiting } = state.reads
  if (queueSize(waiting) === 0 || state.commit < state.termStart) return
  state.reads = { ...state.reads, waiting: emptyQueue }
  for (const { from, context } of queueItems(waiting)) begin(turn, from, context)
}

export const receiveHeartbeatResponse = (turn: Turn, message: HeartbeatResponse): void => {
  const progress = turn.state.progress.get(message.from)
  if (progress === undefined) return
  const round = Math.max(progress.round, message.round)
  setProgress(turn, message.from, { ...progress, isActive: true, round })
  confirm(turn)
}

/** Answers what a quorum has confirmed, and sends the next round if reads came meanwhile. */
const confirm = (turn: Turn): void => {
  const { state } = turn
  const confirmed = quorumReached(configurationIn(turn), (id) =>
    id === state.id ? state.reads.round : (state.progress.get(id)?.round ?? 0)
  )
  if (confirmed <= state.reads.confirmed) return
  const [answered, pending] = dequeueWhile(state.reads.pending, ({ round }) => round <= confirmed)
  state.reads = { ...confirmedUpTo(state.reads, confirmed), pending }
  for (const { from, context, index } of answered) answer(turn, from, context, index)
  if (queueSize(pending) > 0 && confirmed === state.reads.round) sendHeartbeats(turn)
}

const confirmedUpTo = (reads: Reads, confirmed: number): Reads => ({
  ...reads,
  confirmed,
  sentAt: reads.sentAt.filter(({ round }) => round > confirmed),
  leaseTick: reads.sentAt.findLast(({ round }) => round <= confirmed)?.tick ?? reads.leaseTick
})

/** A follower asks its leader. The answer says how far this node has to have applied. */
export const readAnywhere = (turn: Turn, context: Context): void => {
  const { state } = turn
  if (state.role === "Leader") readAtLeader(turn, state.id, context)
  else if (state.leader === null) refuseRead(turn, state.id, context, "NotLeader")
  else send(turn, { _tag: "ReadRequest", to: state.leader, context })
}

export const receiveReadResponse = (turn: Turn, { context, index }: ReadResponse): void => {
  if (index === null) refuseRead(turn, turn.state.id, context, "NotLeader")
  else turn.reads.push({ context, index })
}
