/**
 * When each server is probed, and what is known of it: one schedule for all of them, in memory. The servers of an upstream are
 * probed together, so that those that fail together are found together and cost one reload. Pure but for the random numbers
 * that it is given. Times are milliseconds of a clock that never jumps, but for `sinceMillis` of a health, which people read.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import { afterResult, type Failure, initialHealth, type ServerHealth } from "../probe/ServerHealth.ts"
import type { KnownHealth } from "./HealthFile.ts"
import type { Target } from "./ProbePlan.ts"

interface Server {
  target: Target
  health: ServerHealth
  inFlight: boolean
}

/** An upstream's turn. */
interface Turn {
  intervalMillis: number
  nextMillis: number
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
  readonly #servers = new Map<string, Server>()
  readonly #turns = new Map<string, Turn>()
  /** What a file told of servers that are not planned yet. */
  #remembered: KnownHealth

  constructor(remembered: KnownHealth = new Map()) {
    this.#remembered = remembered
  }

  /** Takes a new plan: servers that were there keep their health, and their upstream its turn. */
  plan(targets: ReadonlyArray<Target>, at: Instant): void {
    const wanted = new Set(targets.map(({ key }) => key))
    for (const key of this.#servers.keys()) if (!wanted.has(key)) this.#servers.delete(key)
    const upstreams = new Set<string>(targets.map(({ upstreamId }) => upstreamId))
    for (const id of this.#turns.keys()) if (!upstreams.has(id)) this.#turns.delete(id)
    for (const target of targets) {
      const known = this.#servers.get(target.key)
      const health = known?.health ?? this.#remembered.get(target.key) ?? initialHealth(at.wallMillis)
      this.#servers.set(target.key, { target, health, inFlight: known?.inFlight ?? false })
      this.#planTurn(target, at, known === undefined)
    }
    this.#remembered = new Map()
  }

  /** A new server, or a shorter interval, does not wait for a turn that was set before. */
  #planTurn({ check, upstreamId }: Target, { nowMillis, random }: Instant, isNew: boolean): void {
    const intervalMillis = check.interval_seconds * 1_000
    const turn = this.#turns.get(upstreamId)
    if (turn === undefined) {
      const nextMillis = nowMillis + random() * Duration.toMillis(Limits.probeStartSpread)
      this.#turns.set(upstreamId, { intervalMillis, nextMillis })
      return
    }
    const latest = isNew ? Duration.toMillis(Limits.probeStartSpread) : intervalMillis
    turn.intervalMillis = intervalMillis
    turn.nextMillis = Math.min(turn.nextMillis, nowMillis + latest)
  }

  /** What to probe now, each told once until `ended`: one that takes longer than its interval misses a turn. */
  begin({ nowMillis, random }: Instant): ReadonlyArray<Target> {
    const upstreams = new Set<string>()
    for (const [id, turn] of this.#turns) {
      if (turn.nextMillis > nowMillis) continue
      turn.nextMillis = nowMillis + turn.intervalMillis * (1 + Limits.probeJitterRatio * (2 * random() - 1))
      upstreams.add(id)
    }
    if (upstreams.size === 0) return []
    const due = [...this.#servers.values()].filter(
      ({ inFlight, target }) => !inFlight && upstreams.has(target.upstreamId)
    )
    for (const server of due) server.inFlight = true
    return due.map(({ target }) => target)
  }

  /** True when the server's state changed by it. What is no longer planned is forgotten. */
  ended(key: string, failure: Failure, wallMillis: number): boolean {
    const server = this.#servers.get(key)
    if (server === undefined) return false
    const before = server.health
    const { healthy_threshold, unhealthy_threshold } = server.target.check
    const thresholds = { healthy: healthy_threshold, unhealthy: unhealthy_threshold }
    server.health = afterResult(before, failure, thresholds, wallMillis)
    server.inFlight = false
    return server.health.state !== before.state
  }

  /** Milliseconds until the next turn; at most until the next look at the plan. */
  waitMillis(nowMillis: number): number {
    let wait = Duration.toMillis(Limits.probePlanInterval)
    for (const { nextMillis } of this.#turns.values()) wait = Math.min(wait, Math.max(0, nextMillis - nowMillis))
    return wait
  }

  get probed(): ReadonlyArray<{ readonly target: Target; readonly health: ServerHealth }> {
    return [...this.#servers.values()].map(({ health, target }) => ({ health, target }))
  }
}
