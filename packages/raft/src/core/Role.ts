/** Stepping back: whoever learns of a newer term, or loses what made it candidate or leader (thesis 3.3). */
import { queueItems } from "./Queue.ts"
import { nextRandom } from "./Random.ts"
import { noReads } from "./State.ts"
import { refuseRead } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { NodeId, Term } from "./Types.ts"

/** A new random wait before the next election, so that split votes do not repeat (thesis 3.4). */
export const resetElectionTimer = ({ state }: Turn): void => {
  const [wait, seed] = nextRandom(state.random, state.options.electionTicks)
  state.random = seed
  state.electionTimeout = state.options.electionTicks + wait
  state.electionElapsed = 0
}

/** Drops everything that belonged to the role and enters `term`, with its vote unspent if it is new. */
export const enterTerm = (turn: Turn, term: Term): void => {
  const { state } = turn
  for (const { from, context } of [...queueItems(state.reads.pending), ...queueItems(state.reads.waiting)]) {
    refuseRead(turn, from, context, "LeadershipLost")
  }
  if (term !== state.term) {
    state.term = term
    state.vote = null
  }
  state.heartbeatElapsed = 0
  state.votes = new Map()
  state.progress = new Map()
  state.reads = noReads
  state.transfer = null
  resetElectionTimer(turn)
}

export const becomeFollower = (turn: Turn, term: Term, leader: NodeId | null): void => {
  turn.state.role = "Follower"
  turn.state.leader = leader
  enterTerm(turn, term)
}
