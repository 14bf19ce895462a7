/**
 * What an answer says of the limits that its request counted against: `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After` (RFC 9110, 10.2.3). Pure.
 */
import type { RateLimit } from "@nxmesh/protocol/model/NetworkSettings"
import type { Taking } from "./TokenBucket.ts"

/** One bucket that a request took from, or would have. */
export interface Counted {
  /** Of the policy, as in `address-read`. */
  readonly name: string
  readonly limit: RateLimit
  readonly taking: Taking
}

const seconds = (millis: number): number => Math.ceil(millis / 1_000)

/** A quota of `burst` in the time that an empty bucket takes to be full. */
const policy = ({ limit, name }: Counted): string =>
  `"${name}";q=${limit.burst};w=${Math.max(1, Math.ceil(limit.burst / limit.per_second))}`

const state = ({ name, taking }: Counted): string =>
  `"${name}";r=${taking.remaining};t=${seconds(taking.isAllowed ? taking.fullAfterMillis : taking.waitMillis)}`

/** Until every bucket has one left; `null` when all of them had. */
export const retryAfterSeconds = (counted: ReadonlyArray<Counted>): number | null => {
  const waits = counted.filter(({ taking }) => !taking.isAllowed).map(({ taking }) => taking.waitMillis)
  return waits.length === 0 ? null : Math.max(1, seconds(Math.max(...waits)))
}

export const rateLimitHeaders = (counted: ReadonlyArray<Counted>): Readonly<Record<string, string>> => {
  if (counted.length === 0) return {}
  const retry = retryAfterSeconds(counted)
  return {
    "ratelimit-policy": counted.map(policy).join(", "),
    ratelimit: counted.map(state).join(", "),
    ...(retry === null ? {} : { "retry-after": String(retry) })
  }
}
