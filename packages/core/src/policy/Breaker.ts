/**
 * A circuit breaker as a value. After some failures in a row it opens, and for a while nothing is tried; then one
 * attempt is let through, which closes it or opens it again.
 */

export interface BreakerPolicy {
  /** Failures in a row that open it. */
  readonly failuresMax: number
  readonly openMillis: number
}

export interface Breaker {
  readonly failures: number
  /** Milliseconds since 1970 until which it stays open; `null` while closed. */
  readonly openUntilMillis: number | null
}

export const closedBreaker: Breaker = { failures: 0, openUntilMillis: null }

/** True when an attempt may be made: closed, or open for long enough to try once. */
export const allows = (breaker: Breaker, nowMillis: number): boolean =>
  breaker.openUntilMillis === null || nowMillis >= breaker.openUntilMillis

export const afterFailure = (policy: BreakerPolicy, breaker: Breaker, nowMillis: number): Breaker => {
  const failures = breaker.failures + 1
  return { failures, openUntilMillis: failures >= policy.failuresMax ? nowMillis + policy.openMillis : null }
}

/** One endpoint of a master. */
export const endpointBreaker: BreakerPolicy = { failuresMax: 3, openMillis: 15_000 }
