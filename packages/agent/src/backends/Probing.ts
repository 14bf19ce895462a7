/**
 * When each server is probed, and what is known of it: one schedule for all of them, in memory. Pure but for the random numbers
 * that it is given. Times are milliseconds of a clock that never jumps, but for `sinceMillis` of a health, which people read.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import type { KnownHealth } from "./HealthFile.ts"
import type { Target } from "./ProbePlan.ts"
import { afterResult, type Failure, initialHealth, type ServerHealth } from "./ServerHealth.ts"

interface Entry {
  target: Target
  health: ServerHealth
  nextMillis: number
  inFlight: boolean
}

export interface Instant {
  /** Of the clock that never jumps. */
  readonly nowMillis: number
  /** Since 1970. */
  readonly wallMillis: number
  /** In [0, 1). */
  readonly random: () => number
}

export class Probing {
  readonly #entries = new Map<string, Entry>()
  /** What a file told of servers that are not planned yet. */
  #remembered: KnownHealth

  constructor(remembered: KnownHealth = new Map()) {
    this.#remembered = remembered
  }

  /** Takes a new plan: servers that were there keep their health and their turn. */
  plan(targets: ReadonlyArray<Target>, { nowMillis, random, wallMillis }: Instant): void {
    const wanted = new Set(targets.map(({ key }) => key))
    for (const key of this.#entries.keys()) if (!wanted.has(key)) this.#entries.delete(key)
    for (const target of targets) {
      const known = this.#entries.get(target.key)
      if (known !== undefined) {
        known.target = target
        known.nextMillis = Math.min(known.nextMillis, nowMillis + target.check.interval_seconds * 1_000)
        continue
      }
      const health = this.#remembered.get(target.key) ?? initialHealth(wallMillis)
      const nextMillis = nowMillis + random() * Duration.toMillis(Limits.probeStartSpread)
      this.#entries.set(target.key, { target, health, nextMillis, inFlight: false })
    }
    this.#remembered = new Map()
  }

  /** What to probe now, each told once until `ended`. */
  begin({ nowMillis, random }: Instant): ReadonlyArray<Target> {
    const due = [...this.#entries.values()].filter(({ inFlight, nextMillis }) => !inFlight && nextMillis <= nowMillis)
    for (const entry of due) {
      const spread = 1 + Limits.probeJitterRatio * (2 * random() - 1)
      entry.nextMillis = nowMillis + entry.target.check.interval_seconds * 1_000 * spread
      entry.inFlight = true
    }
    return due.map(({ target }) => target)
  }

  /** True when the server's state changed by it. What is no longer planned is forgotten. */
  ended(key: string, failure: Failure, wallMillis: number): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    const before = entry.health
    const { healthy_threshold, unhealthy_threshold } = entry.target.check
    const thresholds = { healthy: healthy_threshold, unhealthy: unhealthy_threshold }
    entry.health = afterResult(before, failure, thresholds, wallMillis)
    entry.inFlight = false
    return entry.health.state !== before.state
  }

  /** Milliseconds until the next is due; at most until the next look at the plan. */
  waitMillis(nowMillis: number): number {
    let wait = Duration.toMillis(Limits.probePlanInterval)
    for (const { inFlight, nextMillis } of this.#entries.values()) {
      if (!inFlight) wait = Math.min(wait, Math.max(0, nextMillis - nowMillis))
    }
    return wait
  }

  get probed(): ReadonlyArray<{ readonly target: Target; readonly health: ServerHealth }> {
    return [...this.#entries.values()].map(({ health, target }) => ({ health, target }))
  }
}
