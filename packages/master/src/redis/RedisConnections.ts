/** The two connections to Redis: one for commands, and one that only listens, as subscribing needs. Both come back by themselves. */
import { Effect, Queue, Redacted, type Scope, Stream, SubscriptionRef } from "effect"
import { Redis as Client } from "ioredis"
import { Limits } from "../Limits.ts"

export interface RedisConnections {
  readonly commands: Client
  readonly isUp: SubscriptionRef.SubscriptionRef<boolean>
  readonly messages: (channel: string, waitingMax: number) => Stream.Stream<string>
}

const { commandTimeoutMillis, connectTimeoutMillis, reconnectFirstMillis, reconnectMillisMax } = Limits.redis

const makeClient = (url: Redacted.Redacted<string>, name: string): Client =>
  new Client(Redacted.value(url), {
    lazyConnect: true,
    connectionName: `nxmesh-${name}`,
    connectTimeout: connectTimeoutMillis,
    commandTimeout: commandTimeoutMillis,
    // What cannot be sent now fails now, and nothing is sent twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(reconnectMillisMax, reconnectFirstMillis * 2 ** Math.min(times - 1, 10)),
    // A replica that was promoted elsewhere: the name leads to another one by then.
    reconnectOnError: ({ message }) => message.startsWith("READONLY")
  })

/** Connected while the scope lasts. A failed attempt is followed by the next: what it says is in the log, once. */
const client = (url: Redacted.Redacted<string>, name: string) =>
  Effect.acquireRelease(
    Effect.sync(() => makeClient(url, name)),
    (made) =>
      Effect.sync(() => {
        made.removeAllListeners("close")
        made.disconnect()
      })
  )

const begin = (made: Client) =>
  // Whether it connects, its events tell.
  Effect.sync(() => void made.connect().catch(() => undefined))

/** Whether commands are answered, and a line in the log for each change. */
const watch = Effect.fnUntraced(function* (commands: Client) {
  const isUp = yield* SubscriptionRef.make(false)
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  let reason = ""
  let told: boolean | null = null
  const tell = (up: boolean) => {
    if (told === up) return
    told = up
    const line = up
      ? Effect.logInfo("Redis answers: masters share what they count")
      : Effect.logWarning("Redis does not answer: this master counts by itself until it does", { reason })
    runFork(Effect.andThen(SubscriptionRef.set(isUp, up), line))
  }
  commands.on("ready", () => {
    reason = "it closed the connection"
    tell(true)
  })
  commands.on("error", (error: Error) => {
    reason = error.message
  })
  commands.on("close", () => tell(false))
  return isUp
})

/** One connection for all subscriptions, made with the first. */
const listening = Effect.fnUntraced(function* (url: Redacted.Redacted<string>) {
  const listener = yield* client(url, "listening")
  const byChannel = new Map<string, Set<(text: string) => void>>()
  // The connection for commands says the same in the log.
  listener.on("error", () => undefined)
  // Not ioredis' own: it keeps no channel whose first subscription failed.
  listener.on("ready", () => {
    if (byChannel.size > 0) void listener.subscribe(...byChannel.keys()).catch(() => undefined)
  })
  listener.on("message", (channel: string, text: string) => {
    for (const give of byChannel.get(channel) ?? []) give(text)
  })

  const add = (channel: string, give: (text: string) => void): void => {
    const before = byChannel.get(channel)
    if (before !== undefined) return void before.add(give)
    byChannel.set(channel, new Set([give]))
    if (listener.status === "wait") void listener.connect().catch(() => undefined)
    // Otherwise with the next `ready`.
    else if (listener.status === "ready") void listener.subscribe(channel).catch(() => undefined)
  }
  const remove = (channel: string, give: (text: string) => void): void => {
    const all = byChannel.get(channel)
    all?.delete(give)
    if (all?.size !== 0) return
    byChannel.delete(channel)
    if (listener.status === "ready") void listener.unsubscribe(channel).catch(() => undefined)
  }

  return (channel: string, waitingMax: number): Stream.Stream<string> =>
    Stream.callback<string>(
      (queue) => {
        const give = (text: string) => void Queue.offerUnsafe(queue, text)
        return Effect.acquireRelease(
          Effect.sync(() => add(channel, give)),
          () => Effect.sync(() => remove(channel, give))
        )
      },
      { bufferSize: waitingMax, strategy: "sliding" }
    )
})

export const connect = (url: Redacted.Redacted<string>): Effect.Effect<RedisConnections, never, Scope.Scope> =>
  Effect.gen(function* () {
    const commands = yield* client(url, "commands")
    const isUp = yield* watch(commands)
    const messages = yield* listening(url)
    yield* begin(commands)
    return { commands, isUp, messages }
  })
