/**
 * The leader's side of replication (thesis 3.5, 10.2.1): pipelined appends within a window of messages and bytes, and the
 * repair of logs that differ. `replicate` runs at the end of each step of a leader and sends whatever may be sent.
 */
import { bytesBetween, lastIndex, lastNotAfterTerm, slice, termAt } from "./Log.ts"
import type { AppendAccepted, AppendRejected } from "./Message.ts"
import { acknowledged, commitTold, isCommitNews, isWindowFull, rejected, sent, toReplicate } from "./Progress.ts"
import type { Progress } from "./Progress.ts"
import { beginTransmission } from "./SnapshotSender.ts"
import { send, setProgress } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { NodeId } from "./Types.ts"

export const replicate = (turn: Turn): void => {
  for (const id of turn.state.progress.keys()) {
    while (sendAppend(turn, id, false));
  }
}

/** After a while without commits at once; a follower that gets entry after entry hears of commits by them. */
const isNoticeDue = ({ state }: Turn, progress: Progress): boolean => {
  const isAwaited = progress.awaited > progress.commitSent
  const isNewsAgain = state.ticks - progress.commitSentAt >= state.options.commitNoticeTicks
  return (isAwaited || isNewsAgain) && isCommitNews(progress, state.commit)
}

/** Says whether to go on: entries were sent, and there may be more. `always`: also without entries, and past the window. */
export const sendAppend = (turn: Turn, to: NodeId, always: boolean): boolean => {
  const { state } = turn
  const progress = state.progress.get(to)
  if (progress === undefined || progress.mode === "Snapshot" || progress.isProbing) return false
  const previousIndex = progress.next - 1
  const previousTerm = termAt(state.log, previousIndex)
  if (previousTerm === null) {
    beginTransmission(turn, to)
    return false
  }
  const isProbe = progress.mode === "Probe"
  const { appendBytesMax, inflightMessagesMax, inflightBytesMax } = state.options
  const isFull = isWindowFull(progress, inflightMessagesMax, inflightBytesMax)
  const entries = isFull ? [] : slice(state.log, progress.next, lastIndex(state.log), appendBytesMax)
  if (entries.length === 0 && !isProbe && !always && !isNoticeDue(turn, progress)) return false
  send(turn, { _tag: "AppendRequest", to, previousIndex, previousTerm, entries, commit: state.commit })
  const last = previousIndex + entries.length
  const told = commitTold(progress, Math.min(state.commit, last), state.ticks)
  if (isProbe) setProgress(turn, to, { ...told, isProbing: true })
  else if (entries.length === 0) setProgress(turn, to, { ...told, noticedAt: previousIndex })
  else setProgress(turn, to, sent(told, last, bytesBetween(state.log, previousIndex, last)))
  return !isProbe && entries.length > 0
}

export const receiveAccepted = (turn: Turn, message: AppendAccepted): void => {
  const { state } = turn
  const before = state.progress.get(message.from)
  if (before === undefined || message.index > lastIndex(state.log)) return
  const after = acknowledged({ ...before, isActive: true }, message.index)
  setProgress(turn, message.from, proceed(turn, before, after))
}

/** Where logs agree up to what was sent last, or up to where the log still reaches, entries flow. */
const proceed = ({ state }: Turn, before: Progress, after: Progress): Progress => {
  if (after.mode === "Probe" && (after.match > before.match || after.match >= before.next - 1))
    return toReplicate(after)
  if (after.mode === "Snapshot" && after.match >= state.log.baseIndex) return toReplicate(after)
  return after
}

/** Finds where the logs part in one answer for each term that differs, not for each entry. */
export const receiveRejected = (turn: Turn, message: AppendRejected): void => {
  const { state } = turn
  const before = state.progress.get(message.from)
  if (before === undefined) return
  const active = { ...before, isActive: true }
  const [hint] = lastNotAfterTerm(state.log, message.hintIndex, message.hintTerm)
  setProgress(turn, message.from, rejected(active, message.index, hint) ?? active)
}

/**
 * Alive, but did it get what was sent? An append that follows the last one finds out (a lost one is refused). Once in
 * a heartbeat interval: reads begin thousands of rounds, and a follower whose disk stalls keeps an answer for each append.
 */
export const nudge = (turn: Turn, from: NodeId): void => {
  const { state } = turn
  const progress = state.progress.get(from)
  if (progress === undefined || progress.mode === "Snapshot") return
  if (progress.mode === "Replicate" && progress.match >= lastIndex(state.log)) return
  if (state.ticks - progress.nudgedAt < state.options.heartbeatTicks) return
  setProgress(turn, from, { ...progress, isProbing: false, nudgedAt: state.ticks })
  sendAppend(turn, from, true)
}
