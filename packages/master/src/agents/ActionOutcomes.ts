/** Waits for what became of actions, on whichever master the agent is: its answer is an entry of the log. */
import type { ActionId } from "@nxmesh/protocol/Ids"
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import { Context, Deferred, type Duration, Effect, Layer, Queue } from "effect"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"

export class ActionOutcomes extends Context.Service<
  ActionOutcomes,
  {
    /** The record when it is answered, or as it is when the time is over; `undefined` when there is none, or none any more. */
    readonly outcome: (id: ActionId, within: Duration.Duration) => Effect.Effect<ActionRecord | undefined>
  }
>()("@nxmesh/master/agents/ActionOutcomes") {
  static readonly layer = Layer.effect(
    ActionOutcomes,
    Effect.gen(function* () {
      const applied = yield* (yield* Events).subscribe
      const reads = yield* Reads
      // As many as there are requests under way, which the server bounds.
      const waiting = new Map<ActionId, Set<Deferred.Deferred<void>>>()
      const wake = (id: ActionId) =>
        Effect.forEach(waiting.get(id) ?? [], (waiter) => Deferred.succeed(waiter, undefined), { discard: true })
      const follow = Effect.gen(function* () {
        const { event } = yield* Queue.take(applied)
        if (event._tag === "AgentActionEnded") yield* wake(event.action_id)
        if (event._tag === "StateReset" || event._tag === "AgentRemoved") {
          yield* Effect.forEach([...waiting.keys()], wake, { discard: true })
        }
      })
      yield* follow.pipe(Effect.forever, Effect.forkScoped)

      const enter = (id: ActionId, waiter: Deferred.Deferred<void>) =>
        Effect.sync(() => waiting.set(id, (waiting.get(id) ?? new Set()).add(waiter)))
      const leave = (id: ActionId, waiter: Deferred.Deferred<void>) =>
        Effect.sync(() => {
          const waiters = waiting.get(id)
          waiters?.delete(waiter)
          if (waiters?.size === 0) waiting.delete(id)
        })

      /** Looks after it began to listen, so that an answer in between is not missed. */
      const next = (id: ActionId) =>
        Effect.flatMap(Deferred.make<void>(), (waiter) =>
          Effect.acquireUseRelease(
            enter(id, waiter),
            () =>
              Effect.gen(function* () {
                const record = yield* reads.action(id)
                if (record?.status !== "pending") return record
                yield* Deferred.await(waiter)
                return yield* reads.action(id)
              }),
            () => leave(id, waiter)
          )
        )
      return ActionOutcomes.of({
        outcome: Effect.fn("ActionOutcomes.outcome")(function* (id, within) {
          return yield* next(id).pipe(
            Effect.repeat({ until: (record) => record?.status !== "pending" }),
            Effect.timeoutOrElse({ duration: within, orElse: () => reads.action(id) })
          )
        })
      })
    })
  )
}
