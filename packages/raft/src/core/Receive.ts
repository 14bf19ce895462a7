/** The rules that hold for every message (thesis 3.3, 4.2.3, 9.6), then each kind to its place. */
import {
  answerPreVote,
  answerVote,
  campaign,
  giveWay,
  holdsOnToLeader,
  receivePreVote,
  receiveVote
} from "./Election.ts"
import { receiveAppend, receiveHeartbeat } from "./Follower.ts"
import type { Message } from "./Message.ts"
import { receiveProposal, receiveProposeResponse } from "./Proposal.ts"
import { readAtLeader, receiveHeartbeatResponse, receiveReadResponse } from "./ReadIndex.ts"
import { answerIfRemoved, receiveRemoved } from "./Removal.ts"
import { nudge, receiveAccepted, receiveRejected } from "./Replication.ts"
import { becomeFollower } from "./Role.ts"
import { receiveChunk } from "./SnapshotReceiver.ts"
import { continueTransmission, receiveSnapshotResponse } from "./SnapshotSender.ts"
import { beginTransfer } from "./Transfer.ts"
import { refuse, refuseRead, send } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

export const receive = (turn: Turn, message: Message): void => {
  const { state } = turn
  if (message.to !== state.id || message.from === state.id) return
  if (message._tag === "Removed") return receiveRemoved(turn, message)
  answerIfRemoved(turn, message)
  if (message._tag === "MembershipRequest") return
  if (message.term < state.term) answerOldTerm(turn, message)
  else if (isDisruptive(turn, message)) return
  else {
    if (message.term > state.term && raisesTerm(message)) enterNewerTerm(turn, message)
    if (isFromLeader(message)) hearLeader(turn, message)
    else dispatch(turn, message)
  }
}

/**
 * A candidate's request does not restart the wait for an election, unless the vote is granted later: who could win must
 * not be kept waiting by one who cannot and asks for ever (thesis 3.4).
 */
const enterNewerTerm = (turn: Turn, message: Message): void => {
  const { electionElapsed, role } = turn.state
  becomeFollower(turn, message.term, isFromLeader(message) ? message.from : null)
  if (message._tag === "VoteRequest" && role !== "Leader") turn.state.electionElapsed = electionElapsed
}

/** Only the leader of a term sends these. */
const isFromLeader = (
  message: Message
): message is Extract<Message, { readonly _tag: "AppendRequest" | "Heartbeat" | "SnapshotChunk" }> =>
  message._tag === "AppendRequest" || message._tag === "Heartbeat" || message._tag === "SnapshotChunk"

/** Whoever hears its leader listens to no candidate, or a node that was away would depose it (thesis 4.2.3). */
const isDisruptive = (turn: Turn, message: Message): boolean =>
  message.term > turn.state.term &&
  (message._tag === "PreVoteRequest" || (message._tag === "VoteRequest" && !message.transfer)) &&
  (turn.state.role === "Leader" ? turn.state.options.checkQuorum : holdsOnToLeader(turn))

/** The term of a pre-vote is one that nobody has entered. */
const raisesTerm = (message: Message): boolean =>
  message._tag !== "PreVoteRequest" && !(message._tag === "PreVoteResponse" && message.granted)

/**
 * An old term changes nothing here; who is in one is told: a leader that a node whose term ran ahead could not follow, and
 * a candidate that would otherwise never catch up with those who raise terms in vain.
 */
const answerOldTerm = (turn: Turn, message: Message): void => {
  if (message._tag === "PreVoteRequest") {
    send(turn, { _tag: "PreVoteResponse", to: message.from, granted: false })
  } else if (isFromLeader(message) || message._tag === "VoteRequest") {
    send(turn, { _tag: "StaleTerm", to: message.from })
    if (message._tag === "VoteRequest") giveWay(turn, message)
  } else if (message._tag === "ProposeRequest") refuse(turn, message.from, message.context, "NotLeader")
  else if (message._tag === "ReadRequest") refuseRead(turn, message.from, message.context, "NotLeader")
}

const hearLeader = (
  turn: Turn,
  message: Extract<Message, { readonly _tag: "AppendRequest" | "Heartbeat" | "SnapshotChunk" }>
): void => {
  const { state } = turn
  if (state.role === "Leader") return
  if (state.role !== "Follower") becomeFollower(turn, state.term, message.from)
  state.leader = message.from
  state.leaderHeardAt = state.ticks
  state.electionElapsed = 0
  if (message._tag === "AppendRequest") receiveAppend(turn, message)
  else if (message._tag === "Heartbeat") receiveHeartbeat(turn, message)
  else receiveChunk(turn, message)
}

const dispatch = (turn: Turn, message: Message): void => {
  const isLeader = turn.state.role === "Leader"
  switch (message._tag) {
    case "PreVoteRequest":
      return answerPreVote(turn, message)
    case "VoteRequest":
      return answerVote(turn, message)
    case "PreVoteResponse":
      return receivePreVote(turn, message)
    case "VoteResponse":
      return receiveVote(turn, message)
    case "TimeoutNow":
      return campaign(turn, true)
    case "ProposeRequest":
      return receiveProposal(turn, message)
    case "ProposeResponse":
      return receiveProposeResponse(turn, message)
    case "ReadRequest":
      return isLeader
        ? readAtLeader(turn, message.from, message.context)
        : refuseRead(turn, message.from, message.context, "NotLeader")
    case "ReadResponse":
      return receiveReadResponse(turn, message)
    case "AppendAccepted":
      return isLeader ? receiveAccepted(turn, message) : undefined
    case "AppendRejected":
      return isLeader ? receiveRejected(turn, message) : undefined
    case "HeartbeatResponse":
      if (!isLeader) return
      receiveHeartbeatResponse(turn, message)
      nudge(turn, message.from)
      return continueTransmission(turn, message.from)
    case "SnapshotResponse":
      return isLeader ? receiveSnapshotResponse(turn, message) : undefined
    case "TransferRequest":
      return isLeader ? beginTransfer(turn, message.target) : undefined
    case "StaleTerm":
    case "MembershipRequest":
    case "Removed":
    case "AppendRequest":
    case "Heartbeat":
    case "SnapshotChunk":
      return
  }
}
