/** Two masters that count together through a real Redis, and each by itself when it is gone. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { networkSettingsDefault } from "@nxmesh/protocol/model/NetworkSettings"
import { settingsDefault } from "@nxmesh/protocol/model/InstallationSettings"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Stream } from "effect"
import { RateLimiter } from "../../../packages/master/src/network/RateLimiter.ts"
import { Redis } from "../../../packages/master/src/redis/Redis.ts"
import { InstallationSettings } from "../../../packages/master/src/settings/InstallationSettings.ts"
import { startRedis } from "../../support/Redis.ts"
import { until } from "../../support/Wait.ts"

const { rate_limits } = networkSettingsDefault
const slow = { per_second: 0.1, burst: 3 }
const settings = {
  ...settingsDefault,
  network: {
    ...networkSettingsDefault,
    rate_limits: { ...rate_limits, address: { ...rate_limits.address, read: slow } }
  }
}

const layerSettings = Layer.succeed(InstallationSettings, {
  current: Effect.succeed(settings),
  changes: Stream.succeed(settings)
})

/** The part of a master that counts. */
const master = (url: string) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        RateLimiter.layer.pipe(
          Layer.provideMerge(Redis.layerAt(Redacted.make(url))),
          Layer.provide([Metrics.layer, layerSettings])
        )
      )
    ),
    (context) => ({
      status: Context.get(context, Redis).status,
      ask: (address: string) =>
        Effect.map(
          Context.get(context, RateLimiter).count({ _tag: "Address", address }, "read"),
          (counted) => counted?.taking.isAllowed
        )
    })
  )

describe("rate limits that masters share", () => {
  it.live("are one limit for all of them, and each master's own while Redis is gone", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis
      const masters = [yield* master(redis.url), yield* master(redis.url)] as const
      const all = (status: string) =>
        Effect.forEach(masters, (one) => until(one.status, (now) => now === status, { fact: `Redis is ${status}` }), {
          discard: true
        })
      const inTurn = (address: string, count: number) =>
        Effect.forEach(Array.from({ length: count }), (_, number) => masters[number % 2]!.ask(address))

      yield* all("up")
      assert.deepStrictEqual(yield* inTurn("192.0.2.1", 6), [true, true, true, false, false, false])
      assert.deepStrictEqual(yield* inTurn("192.0.2.2", 1), [true])

      yield* redis.kill
      yield* all("down")
      assert.deepStrictEqual(yield* inTurn("192.0.2.3", 8), [true, true, true, true, true, true, false, false])

      yield* redis.start
      yield* all("up")
      assert.deepStrictEqual(yield* inTurn("192.0.2.4", 4), [true, true, true, false])
    })
  )

  it.live("wait no longer than their time for a Redis that hangs", () =>
    Effect.gen(function* () {
      const redis = yield* startRedis
      const one = yield* master(redis.url)
      yield* until(one.status, (now) => now === "up", { fact: "Redis is up" })
      yield* redis.pause
      const answers = yield* Effect.forEach([1, 2, 3, 4], () => one.ask("192.0.2.9")).pipe(Effect.timeout("2 seconds"))
      yield* redis.resume
      assert.deepStrictEqual(answers, [true, true, true, false])
    })
  )
})
