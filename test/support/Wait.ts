/** Waiting on facts: a condition polled until it holds, with a deadline that names what did not come true. */
import { Effect, Schedule } from "effect"

export class NeverHappened extends Error {
  constructor(fact: string, lastSeen: unknown) {
    super(
      `it never happened that ${fact}; last seen: ${typeof lastSeen === "string" ? lastSeen : JSON.stringify(lastSeen)}`
    )
    this.name = "NeverHappened"
  }
}

interface Options {
  readonly fact: string
  readonly timeoutMillis?: number
  readonly everyMillis?: number
}

/** Polls `probe` until `holds` says yes, and answers what it saw. Dies with `NeverHappened` after the deadline. */
export const until = <A, E, R>(
  probe: Effect.Effect<A, E, R>,
  holds: (seen: A) => boolean,
  { everyMillis = 20, fact, timeoutMillis = 15_000 }: Options
): Effect.Effect<A, never, R> => {
  let lastSeen: unknown = "nothing"
  return probe.pipe(
    Effect.tap((seen) => Effect.sync(() => void (lastSeen = seen))),
    Effect.tapError((error) => Effect.sync(() => void (lastSeen = String(error)))),
    Effect.filterOrFail(holds, () => "not yet"),
    Effect.retry(Schedule.spaced(everyMillis)),
    Effect.timeoutOrElse({
      duration: timeoutMillis,
      orElse: () => Effect.die(new NeverHappened(fact, lastSeen))
    }),
    Effect.orDie
  )
}
