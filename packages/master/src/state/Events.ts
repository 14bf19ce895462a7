/**
 * What apply says has changed, to whoever follows: sessions of agents, caches, feeds. Apply never waits for a
 * subscriber: one that lags too far behind is told to start over.
 */
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import { Context, Effect, Layer, Queue, type Scope } from "effect"
import { Limits } from "../Limits.ts"

export class Events extends Context.Service<
  Events,
  {
    /** Everything that is published from now on, in the order of the log. Ends with the scope. */
    readonly subscribe: Effect.Effect<Queue.Dequeue<AppliedEvent>, never, Scope.Scope>
    /** Apply's own. Never blocks: when it returns, every subscriber has the events. */
    readonly publishUnsafe: (events: ReadonlyArray<AppliedEvent>) => void
  }
>()("@nxmesh/master/state/Events") {
  static readonly layer = Layer.sync(Events, () => {
    const subscribers = new Set<Queue.Queue<AppliedEvent>>()

    /** A full queue is replaced by one event that says so: the subscriber reads the state anew, which holds all of it. */
    const deliver = (queue: Queue.Queue<AppliedEvent>, applied: AppliedEvent): void => {
      if (Queue.offerUnsafe(queue, applied)) return
      while (Queue.sizeUnsafe(queue) > 0) Queue.takeUnsafe(queue)
      Queue.offerUnsafe(queue, { index: applied.index, event: { _tag: "StateReset" } })
    }

    const publishUnsafe = (events: ReadonlyArray<AppliedEvent>): void => {
      for (const applied of events) {
        for (const queue of subscribers) deliver(queue, applied)
      }
    }

    return Events.of({
      subscribe: Effect.acquireRelease(
        Queue.dropping<AppliedEvent>(Limits.state.subscriberEventsMax).pipe(
          Effect.tap((queue) => Effect.sync(() => subscribers.add(queue)))
        ),
        (queue) => Effect.sync(() => subscribers.delete(queue)).pipe(Effect.andThen(Queue.shutdown(queue)))
      ),
      publishUnsafe
    })
  })
}
