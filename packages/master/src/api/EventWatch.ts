/** Who waits for changes: each is answered when there is something after the index that it has. */
import type { WatchAnswer, WatchEvent } from "@nxmesh/protocol/api/WatchApi"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import { Context, Data, Deferred, Duration, Effect, Layer, Queue } from "effect"
import { Limits } from "../Limits.ts"
import { EventHistory } from "../state/EventHistory.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"

export class TooManyWatchers extends Data.TaggedError("TooManyWatchers")<{}> {
  override readonly message = "too many requests wait for changes on this master: try again in a moment"
}

export interface WatchRequest {
  readonly index: number
  readonly waitSeconds: number
  /** What of an event is told; `null`: nothing. */
  readonly tell: (applied: AppliedEvent) => WatchEvent | null
}

export class EventWatch extends Context.Service<
  EventWatch,
  { readonly watch: (request: WatchRequest) => Effect.Effect<WatchAnswer, TooManyWatchers> }
>()("@nxmesh/master/api/EventWatch") {
  /** Whoever waits when the scope ends is answered: a master that stops keeps nobody waiting. */
  static readonly layer = Layer.effect(
    EventWatch,
    Effect.gen(function* () {
      const applied = yield* (yield* Events).subscribe
      const history = new EventHistory(yield* (yield* Reads).appliedIndex, Limits.api.watchEventsKept)
      let changed = Deferred.makeUnsafe<void>()
      const stopping = yield* Deferred.make<void>()
      let watching = 0

      const wake = Effect.suspend(() => {
        const waiting = changed
        changed = Deferred.makeUnsafe<void>()
        return Deferred.succeed(waiting, undefined)
      })
      const follow = Queue.takeAll(applied).pipe(
        Effect.tap((events) => Effect.sync(() => events.forEach((event) => history.add(event)))),
        Effect.andThen(wake)
      )
      yield* follow.pipe(Effect.forever, Effect.forkScoped)
      yield* Effect.addFinalizer(() => Deferred.succeed(stopping, undefined))

      /** What there is to tell now; an answer without events says how far it looked. */
      const look = ({ tell }: WatchRequest, index: number): WatchAnswer => {
        const heard = history.after(index, Limits.api.watchEventsPerAnswerMax)
        if (heard._tag === "Compacted") return { index: heard.index, compacted: true, events: [] }
        const events = heard.events.map(tell).filter((event) => event !== null)
        return { index: heard.index, compacted: false, events }
      }

      const watch = Effect.fn("EventWatch.watch")(function* (request: WatchRequest) {
        let answer = look(request, request.index)
        const something = Effect.gen(function* () {
          while (!answer.compacted && answer.events.length === 0) {
            const waiting = changed
            const next = look(request, answer.index)
            if (next.index === answer.index && !next.compacted) yield* Deferred.await(waiting)
            else answer = next
          }
        })
        yield* something.pipe(
          Effect.raceFirst(Deferred.await(stopping)),
          Effect.timeoutOption(Duration.seconds(request.waitSeconds))
        )
        return answer
      })

      return EventWatch.of({
        watch: (request) =>
          Effect.acquireUseRelease(
            Effect.suspend(() => {
              if (watching >= Limits.api.watchersMax) return Effect.fail(new TooManyWatchers())
              watching += 1
              return Effect.void
            }),
            () => watch(request),
            () => Effect.sync(() => (watching -= 1))
          )
      })
    })
  )
}
