/** What is committed (thesis 3.6.2), and what follows from it for a leader. */
import { termAt } from "./Log.ts"
import { leaveWhenCommitted, stepDownWhenRemoved } from "./Membership.ts"
import { quorumReached } from "./Quorum.ts"
import { beginWaitingReads } from "./ReadIndex.ts"
import { tellRemoved } from "./Removal.ts"
import { replicate } from "./Replication.ts"
import { continueTransfer } from "./Transfer.ts"
import { configurationIn } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

/**
 * Counts who has what, this node only what is durable here. Only entries of the leader's own term are committed by
 * counting; older ones with them (thesis figure 3.7).
 */
const advance = (turn: Turn): boolean => {
  const { state } = turn
  const index = quorumReached(configurationIn(turn), (id) =>
    id === state.id ? state.persisted : (state.progress.get(id)?.match ?? 0)
  )
  if (index <= state.commit || termAt(state.log, index) !== state.term) return false
  state.commit = index
  return true
}

/** The end of every step of a leader: commit, what a commit sets off, and then whatever may be sent. */
export const settle = (turn: Turn): void => {
  const { state } = turn
  if (state.role !== "Leader") return
  const advanced = advance(turn)
  if (advanced) beginWaitingReads(turn)
  // The end of a joint phase counts by one majority: it may have what the other held up, and no step leaves that uncounted.
  if (leaveWhenCommitted(turn)) advance(turn)
  tellRemoved(turn)
  replicate(turn)
  continueTransfer(turn)
  stepDownWhenRemoved(turn)
}
