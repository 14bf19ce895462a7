/**
 * How a node learns that it is a member no more. The thesis leaves it waiting: a leader sends nothing to whoever its
 * configuration does not name, also not that configuration. So the leader says it once when that is committed, and
 * whoever asks later, by a request for votes or as a learner that hears no leader, is told by any node.
 *
 * What is told is what is committed (thesis 4.2.2 wants a node to campaign until then), and up to where, so that an
 * answer from before a node was added is known to be old.
 */
import { configurationAt, isVoter, latest, members, votersOf } from "./Configuration.ts"
import type { Message, Removed } from "./Message.ts"
import { becomeFollower, resetElectionTimer } from "./Role.ts"
import type { State } from "./State.ts"
import { configurationIn, send } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { NodeId } from "./Types.ts"

/** Whether a committed configuration left this node out, and it knows of none after it. */
export const isRemoved = ({ commit, configurations, removedAsOf }: State): boolean =>
  removedAsOf > 0 && removedAsOf >= commit && latest(configurations).index <= removedAsOf

const isNamed = ({ configurations }: State, id: NodeId, at: number): boolean =>
  members(configurationAt(configurations, at)).includes(id)

/** The leader's commit index moved: those who are members no more hear of it. One of them may be the leader itself. */
export const tellRemoved = (turn: Turn): void => {
  const { before, state } = turn
  if (latest(state.configurations).index <= before.commit) return
  for (const id of members(configurationAt(state.configurations, before.commit))) {
    if (isNamed(state, id, state.commit)) continue
    if (id === state.id) state.removedAsOf = state.commit
    else send(turn, { _tag: "Removed", to: id, commit: state.commit })
  }
}

/** A learner does not campaign. When it hears no leader, it asks the voters whether it is still one. */
export const askWhetherMember = (turn: Turn): void => {
  const { state } = turn
  const configuration = configurationIn(turn)
  if (!members(configuration).includes(state.id) || isVoter(configuration, state.id) || isRemoved(state)) return
  state.leader = null
  resetElectionTimer(turn)
  for (const to of votersOf(configuration)) send(turn, { _tag: "MembershipRequest", to })
}

/** Only members send these. */
const asks = (message: Message): boolean =>
  message._tag === "MembershipRequest" || message._tag === "PreVoteRequest" || message._tag === "VoteRequest"

/** Whatever the terms: this is about entries that are committed. */
export const answerIfRemoved = (turn: Turn, message: Message): void => {
  const { state } = turn
  const { from } = message
  if (!asks(message) || members(configurationIn(turn)).includes(from) || isNamed(state, from, state.commit)) return
  // A node that waits to be added itself knows nobody.
  if (members(configurationAt(state.configurations, state.commit)).length === 0) return
  send(turn, { _tag: "Removed", to: from, commit: state.commit })
}

/** Somebody has committed more than this node has, and there it is a member no more. */
export const receiveRemoved = (turn: Turn, { commit }: Removed): void => {
  const { state } = turn
  if (commit <= Math.max(state.commit, state.removedAsOf) || !isNamed(state, state.id, state.commit)) return
  state.removedAsOf = commit
  if (!isRemoved(state)) return
  if (state.role === "Follower") state.leader = null
  else becomeFollower(turn, state.term, null)
}
