/**
 * How one server is, from the results of its health check in order (CM-002). Pure. A server is healthy until it
 * failed `unhealthy` times in a row, and unhealthy until it passed `healthy` times in a row. One that fails again soon after it
 * recovered must pass twice as often as the time before: each change of state is a reload of nginx.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

/** Why a check failed, in a few words; `null`: it passed. */
export type Failure = string | null

export interface Thresholds {
  readonly healthy: number
  readonly unhealthy: number
}

export interface ServerHealth {
  readonly state: "healthy" | "unhealthy"
  /** Results in a row that speak against the state. */
  readonly against: number
  /** When it came to be so, in milliseconds since 1970. */
  readonly sinceMillis: number
  /** `null`: it has always been healthy, or never. */
  readonly recoveredAtMillis: number | null
  /** Times in a row that it failed again soon after it had recovered. */
  readonly relapses: number
  /** Of the last failure. */
  readonly reason: string
}

export const initialHealth = (nowMillis: number): ServerHealth => ({
  state: "healthy",
  against: 0,
  sinceMillis: nowMillis,
  recoveredAtMillis: null,
  relapses: 0,
  reason: ""
})

/** Passes in a row that an unhealthy server needs. */
export const passesNeeded = ({ relapses }: ServerHealth, { healthy }: Thresholds): number =>
  healthy * Math.min(2 ** relapses, Limits.probeRelapseFactorMax)

const isSoonAfter = (recoveredAtMillis: number | null, nowMillis: number): boolean =>
  recoveredAtMillis !== null && nowMillis - recoveredAtMillis < Duration.toMillis(Limits.probeRelapseWindow)

const fallen = (health: ServerHealth, reason: string, nowMillis: number): ServerHealth => ({
  state: "unhealthy",
  against: 0,
  sinceMillis: nowMillis,
  recoveredAtMillis: null,
  relapses: isSoonAfter(health.recoveredAtMillis, nowMillis) ? health.relapses + 1 : 0,
  reason
})

const recovered = (health: ServerHealth, nowMillis: number): ServerHealth => ({
  ...health,
  state: "healthy",
  against: 0,
  sinceMillis: nowMillis,
  recoveredAtMillis: nowMillis
})

/** After one more result. */
export const afterResult = (
  health: ServerHealth,
  failure: Failure,
  thresholds: Thresholds,
  nowMillis: number
): ServerHealth => {
  if (health.state === "healthy") {
    if (failure === null) return health.against === 0 ? health : { ...health, against: 0 }
    return health.against + 1 >= thresholds.unhealthy
      ? fallen(health, failure, nowMillis)
      : { ...health, against: health.against + 1, reason: failure }
  }
  if (failure !== null) return { ...health, against: 0, reason: failure }
  return health.against + 1 >= passesNeeded(health, thresholds)
    ? recovered(health, nowMillis)
    : { ...health, against: health.against + 1 }
}
