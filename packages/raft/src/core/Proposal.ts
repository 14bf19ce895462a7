/** Commands from clients: appended by the leader, forwarded to it once by others (thesis 6.2). */
import { bytesBetween, lastIndex } from "./Log.ts"
import type { ProposeRequest, ProposeResponse } from "./Message.ts"
import type { Accepted, RefusalReason } from "./Ready.ts"
import { appendEntries, refuse, send, setProgress } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { Context, NodeId } from "./Types.ts"

const refusal = ({ state }: Turn): RefusalReason | null => {
  if (state.transfer !== null) return "TransferInProgress"
  // The bound is on what was there before: one proposal of any size passes when nothing waits.
  if (bytesBetween(state.log, state.commit, lastIndex(state.log)) >= state.options.uncommittedBytesMax) {
    return "TooMuchUncommitted"
  }
  return state.commit - state.applied > state.options.unappliedEntriesMax ? "TooMuchUnapplied" : null
}

const proposeAtLeader = (turn: Turn, from: NodeId, context: Context, data: ReadonlyArray<Uint8Array>): void => {
  const { state } = turn
  const reason = refusal(turn)
  if (reason !== null) {
    refuse(turn, from, context, reason)
    return
  }
  const { term } = state
  const first = lastIndex(state.log) + 1
  appendEntries(
    turn,
    data.map((bytes, position) => ({ kind: "Command", term, index: first + position, data: bytes }))
  )
  const result: Accepted = { _tag: "Accepted", context, term, first, last: lastIndex(state.log) }
  if (from === state.id) turn.accepted.push(result)
  else {
    const progress = state.progress.get(from)
    if (progress !== undefined) setProgress(turn, from, { ...progress, awaited: result.last })
    send(turn, { _tag: "ProposeResponse", to: from, result })
  }
}

export const propose = (turn: Turn, context: Context, data: ReadonlyArray<Uint8Array>): void => {
  const { state } = turn
  if (state.role === "Leader") proposeAtLeader(turn, state.id, context, data)
  else if (state.leader === null) refuse(turn, state.id, context, "NotLeader")
  else send(turn, { _tag: "ProposeRequest", to: state.leader, context, data })
}

/** Never forwarded again: what comes to the wrong node goes back, and so no proposal travels in a circle. */
export const receiveProposal = (turn: Turn, message: ProposeRequest): void => {
  if (turn.state.role === "Leader") proposeAtLeader(turn, message.from, message.context, message.data)
  else refuse(turn, message.from, message.context, "NotLeader")
}

export const receiveProposeResponse = (turn: Turn, { result }: ProposeResponse): void => {
  if (result._tag === "Accepted") turn.accepted.push(result)
  else turn.dropped.push(result)
}
