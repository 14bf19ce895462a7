/**
 * One step's draft: a shallow copy of the state that the step's functions change, and what they ask of the driver. It
 * never leaves `step`, which so stays a pure function; the values inside (log, maps, lists) are replaced, never changed.
 */
import { latest, withoutFrom } from "./Configuration.ts"
import { append, lastIndex, truncate } from "./Log.ts"
import { RaftFailure } from "./Failure.ts"
import type { Body, Message } from "./Message.ts"
import type { Progress } from "./Progress.ts"
import { queueItems, queueOf } from "./Queue.ts"
import type { Accepted, ReadConfirmed, Refused, RefusalReason, SnapshotRead, SnapshotWrite } from "./Ready.ts"
import type { State } from "./State.ts"
import type { Configuration, Context, Entry, Index, NodeId, Snapshot, Term } from "./Types.ts"

type Draft<T> = { -readonly [K in keyof T]: T[K] }

export interface Turn {
  readonly before: State
  readonly state: Draft<State>
  readonly messages: Array<Message>
  readonly messagesAfterPersist: Array<Message>
  readonly accepted: Array<Accepted>
  readonly dropped: Array<Refused>
  readonly reads: Array<ReadConfirmed>
  readonly snapshotReads: Array<SnapshotRead>
  snapshotWrite: SnapshotWrite | null
  snapshotInstall: Snapshot | null
  /** The first index that was written in this step. */
  writtenFrom: Index | null
}

export const begin = (state: State): Turn => ({
  before: state,
  state: { ...state },
  messages: [],
  messagesAfterPersist: [],
  accepted: [],
  dropped: [],
  reads: [],
  snapshotReads: [],
  snapshotWrite: null,
  snapshotInstall: null,
  writtenFrom: null
})

const signed = (turn: Turn, body: Body, term: Term): Message => ({ ...body, from: turn.state.id, term }) as Message

export const send = (turn: Turn, body: Body, term: Term = turn.state.term): void => {
  turn.messages.push(signed(turn, body, term))
}

/** For whatever promises something that a crash must not undo: votes, and entries in the log. */
export const sendAfterPersist = (turn: Turn, body: Body, term: Term = turn.state.term): void => {
  turn.messagesAfterPersist.push(signed(turn, body, term))
}

/** Answers a proposal or a read of this node, or of the one that forwarded it. */
export const refuse = (turn: Turn, to: NodeId, context: Context, reason: RefusalReason): void => {
  const { id, leader } = turn.state
  const result: Refused = { _tag: "Refused", context, reason, leader }
  if (to === id) turn.dropped.push(result)
  else send(turn, { _tag: "ProposeResponse", to, result })
}

export const refuseRead = (turn: Turn, to: NodeId, context: Context, reason: RefusalReason): void => {
  if (to === turn.state.id) refuse(turn, to, context, reason)
  else send(turn, { _tag: "ReadResponse", to, context, index: null })
}

export const configurationIn = ({ state }: Turn): Configuration => latest(state.configurations).configuration

export const setProgress = ({ state, before }: Turn, id: NodeId, progress: Progress): void => {
  const writable =
    state.progress === before.progress ? new Map(before.progress) : (state.progress as Map<NodeId, Progress>)
  writable.set(id, progress)
  state.progress = writable
}

/** Entries that follow the log's end. A configuration among them is in effect from here on (thesis 4.1). */
export const appendEntries = (turn: Turn, entries: ReadonlyArray<Entry>): void => {
  const first = entries[0]
  if (first === undefined) return
  const { state } = turn
  state.log = append(state.log, entries)
  turn.writtenFrom = Math.min(turn.writtenFrom ?? first.index, first.index)
  for (const entry of entries) {
    if (entry.kind === "Configuration") {
      state.configurations = [...state.configurations, { index: entry.index, configuration: entry.configuration }]
    }
  }
}

/** Drops `from` and what follows, configurations included. Writes in flight no longer make those entries durable. */
export const truncateFrom = (turn: Turn, from: Index): void => {
  const { state } = turn
  if (from <= state.commit) {
    throw new RaftFailure(
      `the leader of term ${state.term} overwrites entry ${from}; ${state.commit} is committed here`
    )
  }
  if (from > lastIndex(state.log)) return
  state.log = truncate(state.log, from)
  state.configurations = withoutFrom(state.configurations, from)
  state.persisted = Math.min(state.persisted, from - 1)
  state.writes = queueOf(queueItems(state.writes).map((write) => ({ ...write, last: Math.min(write.last, from - 1) })))
  turn.writtenFrom = Math.min(turn.writtenFrom ?? from, from)
}
