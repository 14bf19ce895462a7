/** A follower's side of replication (thesis 3.5, figure 3.1). */
import { RaftFailure } from "./Failure.ts"
import { entryAt, lastIndex, lastNotAfterTerm, termAt } from "./Log.ts"
import type { AppendRequest, Heartbeat } from "./Message.ts"
import type { State } from "./State.ts"
import { appendEntries, send, sendAfterPersist, truncateFrom } from "./Turn.ts"
import type { Turn } from "./Turn.ts"
import type { Entry } from "./Types.ts"

const follow = (entries: ReadonlyArray<Entry>, previousIndex: number): boolean =>
  entries.every((entry, position) => entry.index === previousIndex + 1 + position)

export const receiveAppend = (turn: Turn, message: AppendRequest): void => {
  const { state } = turn
  const { from: to, previousIndex, previousTerm, entries } = message
  // While a snapshot takes the log's place there is no log to append to; and a gap between entries is no append at all.
  if (state.incoming?.isInstalling === true || !follow(entries, previousIndex)) return
  if (previousIndex < state.commit) {
    // Late or doubled: what is committed here is in every leader's log, and is not looked at again.
    sendAfterPersist(turn, { _tag: "AppendAccepted", to, index: state.commit })
    return
  }
  if (termAt(state.log, previousIndex) !== previousTerm) {
    const [hintIndex, hintTerm] = lastNotAfterTerm(state.log, previousIndex, previousTerm)
    sendAfterPersist(turn, { _tag: "AppendRejected", to, index: previousIndex, hintIndex, hintTerm })
    return
  }
  // Entries that are there already stay, and so does what follows them: the message may be an old one (thesis 3.5).
  const firstNew = entries.findIndex((entry) => entryAt(state.log, entry.index)?.term !== entry.term)
  const last = previousIndex + entries.length
  if (firstNew >= 0) {
    truncateFrom(turn, previousIndex + 1 + firstNew)
    appendEntries(turn, entries.slice(firstNew))
  }
  state.commit = Math.max(state.commit, Math.min(message.commit, last))
  sendAfterPersist(turn, { _tag: "AppendAccepted", to, index: last })
}

/** The leader sends no more than this node has acknowledged in its term: a log that does not reach it was lost since. */
export const receiveHeartbeat = (turn: Turn, message: Heartbeat): void => {
  const { state } = turn
  if (state.incoming?.isInstalling !== true) {
    if (message.commit > lastIndex(state.log)) throw forgotten(state, message)
    state.commit = Math.max(state.commit, message.commit)
  }
  send(turn, { _tag: "HeartbeatResponse", to: message.from, round: message.round })
}

const forgotten = ({ id, log }: State, { commit }: Heartbeat): RaftFailure =>
  new RaftFailure(
    `${id} confirmed entries up to ${commit}, and its log ends at ${lastIndex(log)}: its disk lost what it had confirmed. ` +
      "Remove this node, empty its data directory and let it join as a new node"
  )
