/** What became durable, and what may be handed to the state machine (thesis 3.6.2, 5.2, 10.2.1). */
import { compactedTo } from "./Configuration.ts"
import { voteForItself } from "./Election.ts"
import { bytesBetween, compact, lastIndex, slice } from "./Log.ts"
import { dequeueWhile, enqueue } from "./Queue.ts"
import type { Append } from "./Ready.ts"
import type { Turn } from "./Turn.ts"
import type { Entry, Index, Snapshot } from "./Types.ts"

/**
 * Appends become durable in order. Each write remembers up to where its entries still are the log's, so that the late
 * end of a write never makes other entries at the same indexes count as durable.
 */
export const persisted = (turn: Turn, sequence: number): void => {
  const { state } = turn
  const [done, rest] = dequeueWhile(state.writes, (write) => write.sequence <= sequence)
  if (done.length === 0) return
  state.writes = rest
  state.persisted = done.reduce((last, write) => Math.max(last, write.last), state.persisted)
  // A write of a candidate's term holds its vote for itself; one of an earlier term does not.
  if (done.some((write) => write.term === state.term)) voteForItself(turn)
}

/** What this step has to make durable; `null`: nothing. The commit index alone is not worth a write. */
export const appendOf = (turn: Turn): Append | null => {
  const { state, before, writtenFrom } = turn
  const isVoteNew = state.term !== before.term || state.vote !== before.vote
  if (!isVoteNew && writtenFrom === null) return null
  const entries =
    writtenFrom === null ? [] : slice(state.log, writtenFrom, lastIndex(state.log), Number.POSITIVE_INFINITY)
  state.sequence++
  state.writes = enqueue(state.writes, { sequence: state.sequence, term: state.term, last: lastIndex(state.log) })
  return {
    sequence: state.sequence,
    // Term and vote may become durable without the entries of this write: no index beyond what is durable already may
    // then pass for committed.
    hardState: { term: state.term, vote: state.vote, commit: Math.min(state.commit, state.persisted) },
    truncateFrom: writtenFrom !== null && writtenFrom <= lastIndex(before.log) ? writtenFrom : null,
    entries,
    mustSync: true
  }
}

/**
 * The next committed entries, if not too many bytes wait already. Only what is durable here: a state machine that is
 * ahead of its own log could not be explained after a crash.
 */
export const takeCommitted = ({ state }: Turn): ReadonlyArray<Entry> => {
  const end = Math.min(state.commit, state.persisted)
  if (state.delivered >= end || state.incoming?.isInstalling === true) return []
  const room = state.options.committedBytesMax - bytesBetween(state.log, state.applied, state.delivered)
  if (room <= 0) return []
  const entries = slice(state.log, state.delivered + 1, end, room)
  state.delivered += entries.length
  return entries
}

export const applied = ({ state }: Turn, index: Index): void => {
  state.applied = Math.max(state.applied, Math.min(index, state.delivered))
}

export const snapshotTaken = ({ state }: Turn, snapshot: Snapshot): void => {
  const { index } = snapshot.metadata
  if (index <= state.applied && index > (state.snapshot?.metadata.index ?? 0)) state.snapshot = snapshot
}

export const compactLog = ({ state }: Turn, index: Index): void => {
  const safe = Math.min(index, state.snapshot?.metadata.index ?? 0, state.applied)
  if (safe <= state.log.baseIndex) return
  state.log = compact(state.log, safe)
  state.configurations = compactedTo(state.configurations, safe)
}
