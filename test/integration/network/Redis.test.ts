/** What masters share through a real Redis, and that nothing waits for one that is gone. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Stream } from "effect"
import { Redis } from "../../../packages/master/src/redis/Redis.ts"
import { startRedis } from "../../support/Redis.ts"
import { until } from "../../support/Wait.ts"

const status = Redis.use((redis) => redis.status)
const isNow = (wanted: string) => until(status, (now) => now === wanted, { fact: `Redis is ${wanted}` })
const over = (url: string) => Effect.provide(Redis.layerAt(Redacted.make(url)))
const ping = Redis.use((redis) => redis.run((client) => client.ping()))

describe("Redis", () => {
  it.live("answers, is given up at once when it is killed, and comes back by itself", () =>
    Effect.gen(function* () {
      const server = yield* startRedis
      yield* Effect.gen(function* () {
        yield* isNow("up")
        assert.strictEqual(yield* ping, "PONG")
        yield* server.kill
        yield* isNow("down")
        assert.strictEqual((yield* Effect.flip(ping))._tag, "RedisUnavailable")
        yield* server.start
        yield* isNow("up")
        assert.strictEqual(yield* ping, "PONG")
      }).pipe(over(server.url))
    })
  )

  it.live("that hangs fails one call after its time, and those that follow at once", () =>
    Effect.gen(function* () {
      const server = yield* startRedis
      yield* Effect.gen(function* () {
        yield* isNow("up")
        yield* server.pause
        assert.include((yield* Effect.flip(ping)).message, "timed out")
        yield* isNow("down")
        assert.include((yield* Effect.flip(ping)).message, "does not answer")
        yield* server.resume
        yield* isNow("up")
        assert.strictEqual(yield* ping, "PONG")
      }).pipe(over(server.url))
    })
  )

  it.live("gives what is published to every subscriber, also after it was down", () =>
    Effect.gen(function* () {
      const server = yield* startRedis
      yield* Effect.gen(function* () {
        const redis = yield* Redis
        yield* isNow("up")
        const heard: Array<string> = []
        const listen = redis
          .subscribe("tail")
          .pipe(Stream.runForEach((text) => Effect.sync(() => void heard.push(text))))
        const listener = yield* Effect.forkChild(listen)
        yield* Effect.forkChild(listen)
        const say = (text: string) =>
          until(
            Effect.ignore(redis.publish("tail", text)).pipe(Effect.as(heard)),
            (all) => all.filter((one) => one === text).length >= 2,
            {
              fact: `both subscribers heard ${text}`
            }
          )
        yield* say("before")
        yield* server.kill
        yield* isNow("down")
        yield* server.start
        yield* say("after")
        yield* Fiber.interrupt(listener)
      }).pipe(over(server.url))
    })
  )

  it.live("that was never there keeps nobody waiting", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* status, "down")
      assert.include((yield* Effect.flip(ping)).message, "does not answer")
    }).pipe(over("redis://127.0.0.1:1"))
  )

  it.effect("that is not configured is off, and says how to set it", () =>
    Effect.gen(function* () {
      const redis = yield* Redis
      assert.strictEqual(yield* redis.status, "off")
      assert.include((yield* Effect.flip(ping)).message, "REDIS_URL")
      assert.include((yield* Effect.flip(Stream.runDrain(redis.subscribe("x")))).message, "REDIS_URL")
    }).pipe(Effect.provide(Redis.layerOff))
  )
})
