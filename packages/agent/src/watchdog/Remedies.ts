/** The ladders: what is tried for each trouble, in which order, and how long after what was tried before. Pure. */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import { backoffMillis, type Backoff } from "@nxmesh/core/policy/Backoff"

export type Trouble =
  /** No master, or one that takes no connections any more. */
  | "gone"
  /** Workers die again and again; the master starts others. */
  | "crashing"
  /** Nobody answers on the proof socket, for long. */
  | "silent"
  /** Workers serve another deployment than the one that settled, and that the link names. */
  | "mismatch"

export type Remedy = "start" | "reload" | "restart" | "fall_back"

export interface Rung {
  readonly remedy: Remedy
  /** Milliseconds since the remedy before. */
  readonly afterMillis: number
}

/** Starts of an nginx that dies: at once, then 1, 2, 4, 8 s after the one before. */
const startBackoff: Backoff = { baseMillis: 1_000, capMillis: 8_000, jitter: 0 }

const start = (retry: number): Rung => ({
  remedy: "start",
  afterMillis: retry === 0 ? 0 : backoffMillis(startBackoff, retry - 1, 0)
})

const rung = (remedy: Remedy, seconds: number): Rung => ({ remedy, afterMillis: seconds * 1_000 })

/**
 * Going back to the generation before comes after what is gentler, and once: it changes what clients get. Then there are two more
 * starts in case it was the fallback's own that failed.
 */
const ladders: Readonly<Record<Trouble, ReadonlyArray<Rung>>> = {
  gone: [start(0), start(1), start(2), rung("fall_back", 4), start(3), start(4)],
  crashing: [rung("restart", 0), rung("fall_back", 10)],
  silent: [rung("reload", 0), rung("restart", 30), rung("fall_back", 60)],
  mismatch: [rung("reload", 0), rung("reload", 10), rung("reload", 60)]
}

/** Without the right to start nginx, what is left are reloads: of a tree, or of the one before it. */
export const ladderOf = (trouble: Trouble, canStart: boolean): ReadonlyArray<Rung> =>
  canStart
    ? ladders[trouble]
    : trouble === "gone"
      ? []
      : ladders[trouble].filter(({ remedy }) => remedy === "reload" || remedy === "fall_back")

export const slowRetryMillis = Duration.toMillis(Limits.watchdogSlowRetry)
