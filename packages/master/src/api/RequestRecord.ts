/** What is learned of a request on its way, for its log line and for the audit. */
import { CurrentUser, RequestAttribution } from "@nxmesh/protocol/api/Authentication"
import { principalName } from "@nxmesh/protocol/Principal"
import { apiError, type TooManyRequests } from "@nxmesh/protocol/Errors"
import type { RequestClass } from "@nxmesh/protocol/model/NetworkSettings"
import { Context, Effect, Layer } from "effect"
import { RateLimiter } from "../network/RateLimiter.ts"
import { type Counted, retryAfterSeconds } from "../network/RateLimitHeaders.ts"
import { tooMany } from "./Door.ts"

export interface RequestRecordShape {
  /** Correlates an answer (`X-Request-Id`) with the log. */
  readonly id: string
  readonly remoteAddress: string | null
  /** What it is counted as; `null` when it is not. */
  readonly requestClass: RequestClass | null
  /** The limits that it counted against so far, which its answer tells. */
  readonly counted: Array<Counted>
  /** The user's id, once known. */
  principal: string | null
}

export class RequestRecord extends Context.Service<RequestRecord, RequestRecordShape>()(
  "@nxmesh/master/api/RequestRecord"
) {}

/** Writes down who asked, as soon as it is known, and lets nobody ask more than is theirs. */
export const layerRequestAttribution = Layer.effect(
  RequestAttribution,
  Effect.map(
    RateLimiter,
    ({ count }) =>
      (httpEffect) =>
        Effect.gen(function* () {
          const name = principalName((yield* CurrentUser).principal)
          const record = Context.getOrUndefined(yield* Effect.context<never>(), RequestRecord)
          if (record === undefined) return yield* httpEffect
          record.principal = name
          if (record.requestClass === null) return yield* httpEffect
          const counted = yield* count({ _tag: "Principal", name }, record.requestClass)
          if (counted !== null) record.counted.push(counted)
          const seconds = retryAfterSeconds(record.counted)
          return seconds === null
            ? yield* httpEffect
            : yield* Effect.fail(apiError(tooMany(seconds)) as TooManyRequests)
        })
  )
)
