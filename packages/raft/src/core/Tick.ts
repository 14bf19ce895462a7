/** The passing of time (thesis 3.4, 6.2). */
import { campaign, mayCampaign } from "./Election.ts"
import { quorumVote } from "./Quorum.ts"
import { sendHeartbeats } from "./ReadIndex.ts"
import { askWhetherMember } from "./Removal.ts"
import { becomeFollower } from "./Role.ts"
import { abortLateTransfer } from "./Transfer.ts"
import { configurationIn } from "./Turn.ts"
import type { State } from "./State.ts"
import type { Turn } from "./Turn.ts"
import type { NodeId } from "./Types.ts"

export const tick = (turn: Turn): void => {
  turn.state.ticks++
  turn.state.electionElapsed++
  if (turn.state.role === "Leader") tickLeader(turn)
  else if (isElectionDue(turn.state)) {
    if (mayCampaign(turn)) campaign(turn, false)
    else askWhetherMember(turn)
  }
}

/**
 * Who should rather not lead waits longer, once, from when the leader was lost. It may turn out that it alone can win, and
 * it would never, if others that raise terms in vain made it wait longer than themselves each time.
 */
const isElectionDue = ({ electionElapsed, electionTimeout, leaderHeardAt, options, ticks }: State): boolean => {
  const patience = Math.ceil((options.priority * options.electionTicks) / 2)
  return electionElapsed >= electionTimeout && ticks - leaderHeardAt >= electionTimeout + patience
}

const tickLeader = (turn: Turn): void => {
  const { state } = turn
  state.leaderHeardAt = state.ticks
  abortLateTransfer(turn)
  if (state.electionElapsed >= state.options.electionTicks) {
    state.electionElapsed = 0
    if (state.options.checkQuorum && !hearsQuorum(turn)) {
      becomeFollower(turn, state.term, null)
      return
    }
  }
  if (++state.heartbeatElapsed >= state.options.heartbeatTicks) sendHeartbeats(turn)
}

/** Whether a quorum was heard since the last check, which this one ends. */
const hearsQuorum = (turn: Turn): boolean => {
  const { state } = turn
  const heard = new Map<NodeId, boolean>([[state.id, true]])
  for (const [id, { isActive }] of state.progress) heard.set(id, isActive)
  state.progress = new Map([...state.progress].map(([id, progress]) => [id, { ...progress, isActive: false }]))
  return quorumVote(configurationIn(turn), heard) === "Won"
}
