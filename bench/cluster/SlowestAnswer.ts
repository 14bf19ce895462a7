/** Asks a master again and again, and answers its slowest answer in milliseconds: nobody waits longer for its event loop. */
import { Effect, Fiber } from "effect"
import type { ClusterMaster } from "../../test/support/Cluster.ts"

const everyMillis = 20

const watch = async (master: ClusterMaster, over: AbortSignal): Promise<number> => {
  let slowest = 0
  while (!over.aborted) {
    const since = performance.now()
    await fetch(`${master.origin}/healthz`).then((answer) => answer.text())
    slowest = Math.max(slowest, performance.now() - since)
    await new Promise((resolve) => setTimeout(resolve, everyMillis))
  }
  return slowest
}

/** While the work runs. */
export const slowestAnswers = <A, E, R>(masters: ReadonlyArray<ClusterMaster>, work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const over = new AbortController()
    const watching = yield* Effect.forkChild(
      Effect.promise(() => Promise.all(masters.map((master) => watch(master, over.signal))))
    )
    const result = yield* work
    over.abort()
    return { result, slowestMillis: yield* Fiber.join(watching) }
  })
