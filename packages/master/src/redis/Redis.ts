/**
 * What masters share and may lose, where REDIS_URL names a Redis: counters of rate limits, live tails. Whoever asks it can do
 * without: every call fails at once while there is none, and nothing waits for it to come back.
 */
import { Context, Data, Effect, Layer, Redacted, Stream, SubscriptionRef } from "effect"
import { Redis as Client } from "ioredis"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { connect, type RedisConnections } from "./RedisConnections.ts"

export class RedisUnavailable extends Data.TaggedError("RedisUnavailable")<{ readonly message: string }> {}

/** `off`: no REDIS_URL is set. `down`: it is set, and there is no answer. */
export type RedisStatus = "off" | "up" | "down"

const off = new RedisUnavailable({ message: "there is no Redis: set REDIS_URL to share this between masters" })
const down = new RedisUnavailable({ message: "Redis does not answer; see the warnings of the cluster" })

const failed = (cause: unknown) =>
  new RedisUnavailable({ message: `Redis did not do it: ${cause instanceof Error ? cause.message : String(cause)}` })

export class Redis extends Context.Service<
  Redis,
  {
    readonly status: Effect.Effect<RedisStatus>
    /** The status now, and each that follows. */
    readonly changes: Stream.Stream<RedisStatus>
    /** Fails at once unless Redis is up, and after `Limits.redis.commandTimeoutMillis` when it does not answer. */
    readonly run: <A>(ask: (client: Client) => Promise<A>) => Effect.Effect<A, RedisUnavailable>
    readonly publish: (channel: string, text: string) => Effect.Effect<void, RedisUnavailable>
    /**
     * What is published from now on. Lives through Redis being down, and misses what is published meanwhile. A subscriber that
     * is slow misses the oldest. Fails at once, and only then, when there is no REDIS_URL.
     */
    readonly subscribe: (channel: string) => Stream.Stream<string, RedisUnavailable>
  }
>()("@nxmesh/master/redis/Redis") {
  /** Without REDIS_URL. */
  static readonly layerOff = Layer.succeed(
    Redis,
    Redis.of({
      status: Effect.succeed("off"),
      changes: Stream.succeed("off"),
      run: () => Effect.fail(off),
      publish: () => Effect.fail(off),
      subscribe: () => Stream.fail(off)
    })
  )

  /** The start does not wait for Redis, nor does a Redis that is down keep it from starting. */
  static readonly layerAt = (url: Redacted.Redacted<string>) =>
    Layer.effect(Redis, Effect.flatMap(connect(url), fromConnections))

  static readonly layer = Layer.unwrap(
    Effect.map(Settings, ({ redisUrl }) => (redisUrl === null ? Redis.layerOff : Redis.layerAt(redisUrl)))
  )
}

/** A Redis that hangs is as good as none: until it answers a new connection, nobody waits for it again. */
const giveUp = (commands: Client) => (error: RedisUnavailable) =>
  Effect.sync(() => {
    if (error.message.includes("timed out") && commands.status === "ready") commands.disconnect(true)
  })

const fromConnections = ({ commands, isUp, messages }: RedisConnections) =>
  Effect.sync(() => {
    const run = <A>(ask: (client: Client) => Promise<A>) =>
      Effect.suspend(() =>
        commands.status === "ready"
          ? Effect.tryPromise({ try: () => ask(commands), catch: failed }).pipe(Effect.tapError(giveUp(commands)))
          : Effect.fail(down)
      )
    return Redis.of({
      status: Effect.map(SubscriptionRef.get(isUp), (up) => (up ? "up" : "down")),
      changes: Stream.map(SubscriptionRef.changes(isUp), (up) => (up ? "up" : "down")),
      run,
      publish: (channel, text) => Effect.asVoid(run((client) => client.publish(channel, text))),
      subscribe: (channel) => messages(channel, Limits.redis.messagesWaitingMax)
    })
  })
