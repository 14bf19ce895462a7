/** Tells operators of a Redis that is set and does not answer. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect, Layer, Stream } from "effect"
import { Warnings } from "../cluster/Warnings.ts"
import { Limits } from "../Limits.ts"
import { Redis } from "./Redis.ts"

const sentence =
  "Redis does not answer: each master counts rate limits by itself, and live tails show this master's agents alone. " +
  "Look at the server that REDIS_URL names; nothing else waits for it"

export const layerRedisWatch = Layer.effectDiscard(
  Effect.gen(function* () {
    const redis = yield* Redis
    if ((yield* redis.status) === "off") return
    const up = yield* (yield* Metrics).gauge({
      name: "nxmesh_master_redis_up",
      help: "1 while the Redis of REDIS_URL answers, else 0. Absent without one."
    })
    const warn = yield* (yield* Warnings).keep("redis")
    yield* redis.changes.pipe(
      Stream.debounce(Limits.redis.warnedAfter),
      Stream.runForEach((status) =>
        Effect.sync(() => up.set(status === "up" ? 1 : 0)).pipe(Effect.andThen(warn(status === "up" ? [] : [sentence])))
      ),
      Effect.forkScoped
    )
  })
)
