/**
 * Changes of one resource that are based on no revision take turns: each reads what the one before it wrote, so none
 * is refused for a race that its client said nothing about. Between masters the log decides, and the change is made
 * again (`Change.ts`).
 */
import { Context, Effect, Layer, Semaphore } from "effect"

interface Queue {
  readonly semaphore: Semaphore.Semaphore
  users: number
}

export class ChangeTurns extends Context.Service<
  ChangeTurns,
  { readonly inTurn: (key: string) => <A, E, R>(change: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> }
>()("@nxmesh/master/api/ChangeTurns") {
  static readonly layer = Layer.sync(ChangeTurns, () => {
    // As many as there are requests under way, which the server bounds.
    const queues = new Map<string, Queue>()
    const enter = (key: string) =>
      Effect.sync(() => {
        const queue = queues.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
        queue.users += 1
        queues.set(key, queue)
        return queue
      })
    const leave = (key: string, queue: Queue) =>
      Effect.sync(() => {
        queue.users -= 1
        if (queue.users === 0) queues.delete(key)
      })
    return ChangeTurns.of({
      inTurn: (key) => (change) =>
        Effect.acquireUseRelease(
          enter(key),
          ({ semaphore }) => semaphore.withPermit(change),
          (queue) => leave(key, queue)
        )
    })
  })
}
