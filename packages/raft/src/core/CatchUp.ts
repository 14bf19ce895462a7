/**
 * Whether a learner has caught up, so that it may become a voter without holding up commits (thesis 4.2.1). Its catching
 * up is divided into rounds: each lasts until it has what the leader's log held at the round's start. Who needs less than
 * an election timeout for a round is close enough. For whoever decides about promotions: feed it samples of the leader's
 * state, once in a heartbeat interval or so, and act on the verdict.
 */
import { lastIndex } from "./Log.ts"
import type { State } from "./State.ts"
import type { Index, NodeId, Term } from "./Types.ts"

/** What a leader knows of a learner at one time. */
export interface CatchUpSample {
  readonly term: Term
  readonly tick: number
  readonly lastIndex: Index
  readonly match: Index
  /** Bytes of a snapshot that it has. */
  readonly snapshotOffset: number
  /** The latest round of heartbeats that it answered. */
  readonly heartbeatRound: number
}

export interface CatchUp {
  readonly sample: CatchUpSample
  /** Of the current round. */
  readonly startedAt: number
  readonly target: Index
  /** Rounds that ended one after the other and took an election timeout or more. */
  readonly slowRounds: number
  readonly isLastRoundShort: boolean
  /** When entries, or a part of a snapshot, last arrived there, or none were missing. */
  readonly arrivedAt: number
  readonly heardAt: number
}

/** Ticks as in `Options`. */
export interface CatchUpBounds {
  readonly electionTicks: number
  /** So many slow rounds, and it will not become faster. */
  readonly roundsMax: number
  /** Without anything arriving, or without an answer. */
  readonly stalledTicksMax: number
}

/**
 * - `CatchingUp`: wait.
 * - `CaughtUp`: it may be promoted, as long as this is said.
 * - `TooSlow`: it takes entries, though not as fast as the leader gets them.
 * - `Stalled`: nothing arrives. It is down, cut off, or its disk is.
 */
export type CatchUpVerdict = "CatchingUp" | "CaughtUp" | "TooSlow" | "Stalled"

/** `null`: this node does not lead, or does not know the learner. */
export const catchUpSampleOf = (state: State, id: NodeId): CatchUpSample | null => {
  const progress = state.progress.get(id)
  if (state.role !== "Leader" || progress === undefined) return null
  return {
    term: state.term,
    tick: state.ticks,
    lastIndex: lastIndex(state.log),
    match: progress.match,
    snapshotOffset: progress.transmission?.offset ?? 0,
    heartbeatRound: progress.round
  }
}

export const beginCatchUp = (sample: CatchUpSample): CatchUp => ({
  sample,
  startedAt: sample.tick,
  target: sample.lastIndex,
  slowRounds: 0,
  isLastRoundShort: false,
  arrivedAt: sample.tick,
  heardAt: sample.tick
})

/** A sample of another term is another leader's, which knows nothing of the rounds before: they are counted anew. */
export const continueCatchUp = (before: CatchUp, sample: CatchUpSample, { electionTicks }: CatchUpBounds): CatchUp => {
  if (sample.term !== before.sample.term) return beginCatchUp(sample)
  const { tick, match, snapshotOffset, heartbeatRound } = sample
  const isRoundOver = match >= before.target
  const hasArrived = isRoundOver || match > before.sample.match || snapshotOffset !== before.sample.snapshotOffset
  const seen = {
    sample,
    arrivedAt: hasArrived ? tick : before.arrivedAt,
    heardAt: heartbeatRound > before.sample.heartbeatRound ? tick : before.heardAt
  }
  if (!isRoundOver) return { ...before, ...seen }
  const isShort = tick - before.startedAt < electionTicks
  return {
    ...seen,
    startedAt: tick,
    target: sample.lastIndex,
    slowRounds: isShort ? 0 : before.slowRounds + 1,
    isLastRoundShort: isShort
  }
}

export const catchUpVerdict = (catchUp: CatchUp, bounds: CatchUpBounds): CatchUpVerdict => {
  const { electionTicks, roundsMax, stalledTicksMax } = bounds
  const { sample, startedAt, slowRounds, isLastRoundShort, arrivedAt, heardAt } = catchUp
  if (sample.tick - Math.min(arrivedAt, heardAt) >= stalledTicksMax) return "Stalled"
  if (slowRounds >= roundsMax) return "TooSlow"
  // A round that goes on for as long is no short one, whatever the last was; and who is not heard has nothing to show.
  const isCurrent = sample.tick - startedAt < electionTicks && sample.tick - heardAt < electionTicks
  return isLastRoundShort && isCurrent ? "CaughtUp" : "CatchingUp"
}
