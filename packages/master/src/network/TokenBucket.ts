/**
 * A token bucket as one number, the moment at which it is full again: the generic cell rate algorithm (ITU-T I.371, annex A). Pure:
 * the caller brings the time, in milliseconds of one clock.
 */
import type { RateLimit } from "@nxmesh/protocol/model/NetworkSettings"

export interface Taking {
  readonly isAllowed: boolean
  /** When the bucket is full again, to be remembered; an allowed request puts it off. */
  readonly fullAtMillis: number
  /** Whole requests that are left now. */
  readonly remaining: number
  /** Until one is left: 0 when one was. */
  readonly waitMillis: number
  /** Until the bucket is full. */
  readonly fullAfterMillis: number
}

/** @param fullAtMillis what was remembered of the bucket; `undefined` of one that nobody has taken from for long. */
export const take = ({ burst, per_second }: RateLimit, fullAtMillis: number | undefined, nowMillis: number): Taking => {
  const intervalMillis = 1_000 / per_second
  const capacityMillis = intervalMillis * burst
  // A clock that went back leaves a bucket at most empty.
  const before = Math.min(Math.max(fullAtMillis ?? nowMillis, nowMillis), nowMillis + capacityMillis)
  const after = before + intervalMillis
  const waitMillis = Math.max(0, after - nowMillis - capacityMillis)
  // Fractions of a millisecond come from the division, not from a client.
  const isAllowed = waitMillis < 0.001
  const fullAt = isAllowed ? after : before
  const left = (capacityMillis - (fullAt - nowMillis)) / intervalMillis
  return {
    isAllowed,
    fullAtMillis: fullAt,
    remaining: Math.max(0, Math.floor(left + 0.001)),
    waitMillis: isAllowed ? 0 : waitMillis,
    fullAfterMillis: fullAt - nowMillis
  }
}
