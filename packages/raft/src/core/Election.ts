/** Leader election (thesis 3.4, 3.6.1), with the question before it (9.6) and priorities among nodes. */
import { configurationAt, isVoter, latest, members, votersOf } from "./Configuration.ts"
import { isMoreComplete, isUpToDate, lastIndex, lastTerm } from "./Log.ts"
import type { PreVoteRequest, PreVoteResponse, VoteRequest, VoteResponse } from "./Message.ts"
import { newProgress } from "./Progress.ts"
import { quorumVote } from "./Quorum.ts"
import { isRemoved } from "./Removal.ts"
import { becomeFollower, enterTerm, resetElectionTimer } from "./Role.ts"
import { appendEntries, configurationIn, send, sendAfterPersist } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { NodeId } from "./Types.ts"

/**
 * Learners and strangers do not campaign, nor does a node whose log is being replaced. One that a configuration removes
 * does until it knows that this is committed (thesis 4.2.2): if it alone has the entry, others may need its vote, which they
 * cannot get.
 */
export const mayCampaign = ({ state }: Turn): boolean => {
  const { id, configurations, commit } = state
  const isNeeded =
    isVoter(latest(configurations).configuration, id) || isVoter(configurationAt(configurations, commit), id)
  return isNeeded && !isRemoved(state) && !state.refusesLeadership && state.incoming?.isInstalling !== true
}

/** By the usual rules, or in the leader's place when it asked for it (thesis 3.10). */
export const campaign = (turn: Turn, isTransfer: boolean): void => {
  if (turn.state.role === "Leader" || !mayCampaign(turn)) return
  if (turn.state.options.preVote && !isTransfer) askBefore(turn)
  else askForVotes(turn, isTransfer)
}

const askBefore = (turn: Turn): void => {
  const { state } = turn
  state.role = "PreCandidate"
  state.leader = null
  resetElectionTimer(turn)
  state.votes = new Map([[state.id, true]])
  if (countVotes(turn)) return
  const log = { lastIndex: lastIndex(state.log), lastTerm: lastTerm(state.log) }
  for (const to of votersOf(configurationIn(turn))) {
    if (to !== state.id) send(turn, { _tag: "PreVoteRequest", to, ...log }, state.term + 1)
  }
}

/**
 * The vote for itself counts when it is durable, and nobody hears of the candidacy before: the log that others compare
 * must be one that a crash leaves behind, or a vote given to a longer log would elect a shorter one.
 */
const askForVotes = (turn: Turn, isTransfer: boolean): void => {
  const { state } = turn
  enterTerm(turn, state.term + 1)
  state.role = "Candidate"
  state.leader = null
  state.vote = state.id
  const log = { lastIndex: lastIndex(state.log), lastTerm: lastTerm(state.log) }
  for (const to of votersOf(configurationIn(turn))) {
    if (to !== state.id) sendAfterPersist(turn, { _tag: "VoteRequest", to, ...log, transfer: isTransfer })
  }
}

/** True when the votes decided: won, or lost. */
const countVotes = (turn: Turn): boolean => {
  const { state } = turn
  const result = quorumVote(configurationIn(turn), state.votes)
  if (result === "Pending") return false
  if (result === "Lost") becomeFollower(turn, state.term, null)
  else if (state.role === "PreCandidate") askForVotes(turn, false)
  else becomeLeader(turn)
  return true
}

export const recordVote = (turn: Turn, from: NodeId, granted: boolean): void => {
  const { state } = turn
  if (state.votes.has(from)) return
  state.votes = new Map([...state.votes, [from, granted]])
  countVotes(turn)
}

/** Opens the term with an empty entry: nothing older commits, and nothing is read, before it does (thesis 3.6.2, 6.4). */
const becomeLeader = (turn: Turn): void => {
  const { state } = turn
  enterTerm(turn, state.term)
  state.role = "Leader"
  state.leader = state.id
  const next = lastIndex(state.log) + 1
  state.termStart = next
  state.progress = new Map(
    members(configurationIn(turn)).flatMap((id) => (id === state.id ? [] : [[id, newProgress(next, false)] as const]))
  )
  appendEntries(turn, [{ kind: "Empty", term: state.term, index: next }])
}

/**
 * Whether this node has heard its leader within the shortest election timeout, and so stays with it (thesis 4.2.3). With
 * leases one that has just started stays with whoever it may have heard before: its answer may carry a lease (thesis 6.4.1).
 */
export const holdsOnToLeader = ({ state: { electionElapsed, leader, options, ticks } }: Turn): boolean =>
  options.checkQuorum &&
  ((leader !== null && electionElapsed < options.electionTicks) ||
    (options.reads === "Lease" && ticks < options.electionTicks))

/** Asked nodes answer whatever they take themselves for: a learner may be a voter that does not know it yet. */
export const answerPreVote = (turn: Turn, message: PreVoteRequest): void => {
  const { state } = turn
  const granted = message.term > state.term && isUpToDate(state.log, message.lastIndex, message.lastTerm)
  const term = granted ? message.term : state.term
  send(turn, { _tag: "PreVoteResponse", to: message.from, granted }, term)
}

export const answerVote = (turn: Turn, message: VoteRequest): void => {
  const { state } = turn
  const isFree = state.vote === message.from || (state.vote === null && state.leader === null)
  const granted = isFree && isUpToDate(state.log, message.lastIndex, message.lastTerm)
  if (granted) {
    state.vote = message.from
    state.electionElapsed = 0
  } else giveWay(turn, message)
  sendAfterPersist(turn, { _tag: "VoteResponse", to: message.from, granted })
}

/**
 * A candidate with a more complete log asks in vain: its term is over, or the vote is given. This node could not get that
 * one's vote either, so it waits as if it had voted for it, and lets it ask again in a newer term. Otherwise, without
 * pre-vote, those who can never win may keep ahead of the one who can by the terms that they raise.
 */
export const giveWay = ({ state }: Turn, candidate: VoteRequest): void => {
  // Whoever follows a leader counts from when it heard it.
  if (state.leader !== null) return
  if (isMoreComplete(state.log, candidate.lastIndex, candidate.lastTerm)) state.electionElapsed = 0
}

export const receivePreVote = (turn: Turn, message: PreVoteResponse): void => {
  const { state } = turn
  const isOfThisAttempt = !message.granted || message.term === state.term + 1
  if (state.role === "PreCandidate" && isOfThisAttempt) recordVote(turn, message.from, message.granted)
}

export const receiveVote = (turn: Turn, message: VoteResponse): void => {
  if (turn.state.role === "Candidate") recordVote(turn, message.from, message.granted)
}

/** This node's own vote, once it is durable. */
export const voteForItself = (turn: Turn): void => {
  if (turn.state.role === "Candidate") recordVote(turn, turn.state.id, true)
}
