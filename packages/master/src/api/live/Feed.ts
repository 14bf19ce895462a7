/** What is asked for again and again and told when it has become another: a value first, then each that differs from the last. */
import { type Duration, Effect, Stream } from "effect"

/** `key`: two values of the same key are the same to the one who listens. */
export const feed = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  every: Duration.Duration,
  key: (value: A) => string
): Stream.Stream<A, E, R> =>
  Stream.unfold(null as string | null, (last) =>
    Effect.gen(function* () {
      for (let isFirst = last === null; ; isFirst = false) {
        if (!isFirst) yield* Effect.sleep(every)
        const value = yield* look
        const now = key(value)
        if (now !== last) return [value, now] as const
      }
    })
  )
