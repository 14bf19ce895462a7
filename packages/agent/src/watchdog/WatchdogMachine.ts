/**
 * What the watchdog does about an nginx in trouble: pure, from what is seen once a second. Each kind of trouble has a ladder of
 * remedies, each with the least time since the one before it. Who has climbed a ladder to its end stays there, and says so, until
 * nginx was well for a while: a restart that does not help only costs the connections that were left.
 */
import type { Generation } from "@nxmesh/protocol/Ids"
import { type Step, to, unchanged } from "@nxmesh/core/machine/Machine"
import { ladderOf, type Remedy, type Rung, slowRetryMillis, type Trouble } from "./Remedies.ts"

export interface Facts {
  /** Monotonic: a clock that is set must not look like a long silence. */
  readonly nowMillis: number
  /** Somebody deploys, acts or repairs, or did since the last look: what was seen says nothing. */
  readonly busy: boolean
  readonly wanted: boolean
  /** quitting: its sockets are closed, and it waits for its last clients. upgrading: another binary takes over. */
  readonly nginx: "running" | "gone" | "quitting" | "upgrading"
  /** Names one master; `null` when there is none. */
  readonly master: string | null
  /** Workers that took connections at the last look are gone, and have not said that they were leaving. */
  readonly workersDied: boolean
  /** Who answers on the proof socket: what settled, or another deployment. unknown: nobody can, because the socket's file is gone. */
  readonly answer: "settled" | "other" | "nobody" | "unknown"
  /** The link names what settled, so that a reload would load that. */
  readonly linked: boolean
  readonly generation: Generation
  /** What the agent can do with this nginx. */
  readonly canStart: boolean
  /** How long it may be gone: whoever keeps it may be about to start it, or be in the middle of a restart. */
  readonly graceMillis: number
}

export interface State {
  readonly lastMillis: number | null
  readonly generation: Generation | null
  /** The generation that was left, while the watchdog's own way back is what changed it. */
  readonly left: Generation | null
  /** When rounds of dying workers were seen, in the window. */
  readonly deathsMillis: ReadonlyArray<number>
  /** Since when without a break. */
  readonly goneSinceMillis: number | null
  readonly silentSinceMillis: number | null
  readonly otherSinceMillis: number | null
  readonly wellSinceMillis: number | null
  readonly trouble: Trouble | null
  /** Rungs of each ladder that were climbed. */
  readonly climbed: Readonly<Record<Trouble, number>>
  readonly lastRemedyMillis: number | null
}

export interface Bounds {
  /** Rounds of dying workers within the window that are a crash loop: one or two may be a bad request, or somebody else's reload. */
  readonly deathRoundsMax: number
  readonly deathWindowMillis: number
  readonly silenceMillis: number
  readonly otherMillis: number
  /** Well for this long, and all is forgotten. */
  readonly wellMillis: number
  /** Between two looks; a longer pause means that the machine itself is in trouble, and proves no silence. */
  readonly pauseMillis: number
  /** How much slower than planned the ladders are climbed; 1 but for tests. */
  readonly waitFactor: number
}

const nothingClimbed: State["climbed"] = { gone: 0, crashing: 0, silent: 0, mismatch: 0 }

export const initial: State = {
  lastMillis: null,
  generation: null,
  left: null,
  deathsMillis: [],
  goneSinceMillis: null,
  silentSinceMillis: null,
  otherSinceMillis: null,
  wellSinceMillis: null,
  trouble: null,
  climbed: nothingClimbed,
  lastRemedyMillis: null
}

/** Nothing of what was counted holds. */
const blank = {
  deathsMillis: [],
  goneSinceMillis: null,
  silentSinceMillis: null,
  otherSinceMillis: null,
  wellSinceMillis: null,
  trouble: null
}

/** A master that quits serves nobody who comes anew. */
const isGone = ({ nginx }: Facts): boolean => nginx === "gone" || nginx === "quitting"

/** What is new since the last look. */
const count = (state: State, facts: Facts, bounds: Bounds): State => {
  const { nowMillis } = facts
  const paused = state.lastMillis === null || nowMillis - state.lastMillis > bounds.pauseMillis
  const since = (holds: boolean, before: number | null) => (holds && !paused ? (before ?? nowMillis) : null)
  const deaths = facts.workersDied ? [...state.deathsMillis, nowMillis] : state.deathsMillis
  return {
    ...state,
    lastMillis: nowMillis,
    deathsMillis: deaths.filter((at) => nowMillis - at < bounds.deathWindowMillis),
    goneSinceMillis: isGone(facts) ? (state.goneSinceMillis ?? nowMillis) : null,
    silentSinceMillis: since(facts.nginx === "running" && facts.answer === "nobody", state.silentSinceMillis),
    otherSinceMillis: since(facts.answer === "other" && facts.linked, state.otherSinceMillis)
  }
}

const troubleOf = (state: State, facts: Facts, bounds: Bounds): Trouble | null => {
  const { graceMillis, nginx, nowMillis } = facts
  const lasts = (since: number | null, millis: number) => since !== null && nowMillis - since >= millis
  if (isGone(facts)) return lasts(state.goneSinceMillis, graceMillis) ? "gone" : null
  if (nginx === "upgrading") return null
  if (state.deathsMillis.length >= bounds.deathRoundsMax) return "crashing"
  if (lasts(state.otherSinceMillis, bounds.otherMillis)) return "mismatch"
  return lasts(state.silentSinceMillis, bounds.silenceMillis) ? "silent" : null
}

/** Another generation is a new beginning, unless the watchdog went back to it itself. */
const follow = (state: State, generation: Generation): State => {
  if (state.generation === generation) return state
  const own = state.left !== null && state.generation === state.left
  return own
    ? { ...state, generation }
    : { ...state, ...blank, generation, left: null, climbed: nothingClimbed, lastRemedyMillis: null }
}

const well = (state: State, { nowMillis }: Facts, bounds: Bounds): State => {
  const since = state.wellSinceMillis ?? nowMillis
  const forgotten = nowMillis - since >= bounds.wellMillis
  return {
    ...state,
    trouble: null,
    wellSinceMillis: since,
    ...(forgotten ? { climbed: nothingClimbed, lastRemedyMillis: null } : {})
  }
}

/** The rung that is next, and whether its time has come. After the last one, starts go on slowly; nothing else does. */
const next = (state: State, facts: Facts, trouble: Trouble, { waitFactor }: Bounds): Remedy | null => {
  const ladder = ladderOf(trouble, facts.canStart)
  const rung: Rung | undefined = ladder[state.climbed[trouble]]
  const waited = state.lastRemedyMillis === null ? Infinity : facts.nowMillis - state.lastRemedyMillis
  if (rung !== undefined) return waited >= rung.afterMillis * waitFactor ? rung.remedy : null
  return trouble === "gone" && facts.canStart && waited >= slowRetryMillis * waitFactor ? "start" : null
}

export const step = (before: State, facts: Facts, bounds: Bounds): Step<State, Remedy> => {
  const followed = follow(before, facts.generation)
  const resting = { ...followed, ...blank, lastMillis: facts.nowMillis }
  if (!facts.wanted) return unchanged({ ...resting, climbed: nothingClimbed, lastRemedyMillis: null })
  if (facts.busy) return unchanged(resting)
  const state = count(followed, facts, bounds)
  const trouble = troubleOf(state, facts, bounds)
  if (trouble === null) return unchanged(isGone(facts) ? state : well(state, facts, bounds))
  const troubled: State = { ...state, trouble, wellSinceMillis: null }
  const remedy = next(troubled, facts, trouble, bounds)
  if (remedy === null) return unchanged(troubled)
  const climbed = { ...state.climbed, [trouble]: state.climbed[trouble] + 1 }
  return to(
    {
      ...troubled,
      // What was counted was before the remedy: its effect is judged anew.
      deathsMillis: [],
      silentSinceMillis: null,
      otherSinceMillis: null,
      climbed,
      lastRemedyMillis: facts.nowMillis,
      left: remedy === "fall_back" ? facts.generation : state.left
    },
    remedy
  )
}

/** The way back was not taken: another generation that comes is a new beginning. */
export const stayed = (state: State): State => ({ ...state, left: null })

/** True when the ladder of its trouble is climbed to the end: a person has to look. */
export const isAtEnd = (state: State, canStart: boolean): boolean =>
  state.trouble !== null && state.climbed[state.trouble] >= ladderOf(state.trouble, canStart).length
