/** Handing leadership over (thesis 3.10): no new proposals, the target catches up, then it campaigns at once. */
import { lastIndex } from "./Log.ts"
import { sendAppend } from "./Replication.ts"
import { configurationIn, send } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { NodeId } from "./Types.ts"

/** A target that is no voter, or this node itself, is none: the transfer in progress, if any, ends. */
export const beginTransfer = (turn: Turn, to: NodeId): void => {
  const { state } = turn
  if (state.role !== "Leader") {
    if (state.leader !== null) send(turn, { _tag: "TransferRequest", to: state.leader, target: to })
    return
  }
  if (state.transfer?.to === to) return
  state.transfer = null
  if (to === state.id || !configurationIn(turn).voters.includes(to)) return
  state.transfer = { to, startedAt: state.ticks, isTold: false }
  sendAppend(turn, to, true)
}

/** After each step: has the target everything? Since nothing is proposed meanwhile, it soon has. */
export const continueTransfer = (turn: Turn): void => {
  const { state } = turn
  const { transfer } = state
  if (transfer === null) return
  if (!configurationIn(turn).voters.includes(transfer.to)) {
    state.transfer = null
    return
  }
  if (transfer.isTold || state.progress.get(transfer.to)?.match !== lastIndex(state.log)) return
  send(turn, { _tag: "TimeoutNow", to: transfer.to })
  state.transfer = { ...transfer, isTold: true }
  state.reads = { ...state.reads, isLeaseForfeited: true }
}

/** A target that takes longer than an election would is given up. */
export const abortLateTransfer = ({ state }: Turn): void => {
  if (state.transfer !== null && state.ticks - state.transfer.startedAt >= state.options.electionTicks) {
    state.transfer = null
  }
}
