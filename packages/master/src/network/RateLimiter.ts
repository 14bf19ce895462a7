/**
 * How often somebody may ask. Each master counts by itself, and with Redis together with the others: what is too much for one
 * master alone is refused without asking Redis, so that a flood costs nothing there.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { RequestClass } from "@nxmesh/protocol/model/NetworkSettings"
import { Clock, Context, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { Redis } from "../redis/Redis.ts"
import { InstallationSettings } from "../settings/InstallationSettings.ts"
import { addressKey } from "./AddressKey.ts"
import { Buckets } from "./Buckets.ts"
import type { Counted } from "./RateLimitHeaders.ts"
import { takeShared } from "./SharedBuckets.ts"

/** Whose bucket it is. */
export type Who =
  | { readonly _tag: "Address"; readonly address: string }
  | { readonly _tag: "Principal"; readonly name: string }

export class RateLimiter extends Context.Service<
  RateLimiter,
  {
    /** Takes one from the bucket; `null` when requests are not counted. The caller refuses what is not allowed. */
    readonly count: (who: Who, requestClass: RequestClass) => Effect.Effect<Counted | null>
  }
>()("@nxmesh/master/network/RateLimiter") {
  static readonly layer = Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const redis = yield* Redis
      const { current } = yield* InstallationSettings
      const buckets = new Buckets(Limits.network.bucketsMax)
      const refused = yield* (yield* Metrics).counter({
        name: "nxmesh_master_http_rate_limited_total",
        help: "Requests refused because there were too many, by whose bucket was empty and by class.",
        labelNames: ["by", "class"]
      })

      const takeFrom = Effect.fnUntraced(function* (name: string, limit: Counted["limit"]) {
        const nowMillis = Number(yield* Clock.monotonicTimeNanos) / 1e6
        const here = buckets.take(name, limit, nowMillis)
        if (!here.isAllowed || (yield* redis.status) !== "up") return here
        // Whoever cannot ask the others counts alone.
        return yield* takeShared(redis, name, limit).pipe(Effect.orElseSucceed(() => here))
      })

      return RateLimiter.of({
        count: Effect.fnUntraced(function* (who, requestClass) {
          const { rate_limits } = (yield* current).network
          if (!rate_limits.enabled) return null
          const by = who._tag === "Address" ? "address" : "principal"
          const limit = rate_limits[by][requestClass]
          const name = `${by}-${requestClass}`
          const key = who._tag === "Address" ? addressKey(who.address) : who.name
          const taking = yield* takeFrom(`${name}:${key}`, limit)
          if (!taking.isAllowed) refused.inc({ by, class: requestClass })
          return { name, limit, taking }
        })
      })
    })
  )
}
