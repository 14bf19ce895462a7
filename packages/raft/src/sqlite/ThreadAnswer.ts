import type { Worker } from "node:worker_threads"
import { Effect } from "effect"

/** The one message of a thread that is started for it. Fails with what ended the thread before; interrupted, it ends the thread. */
export const threadAnswer = <A>(start: () => Worker): Effect.Effect<A, unknown> =>
  Effect.callback<A, unknown>((resume) => {
    const worker = start()
    const fail = (cause: unknown): void => resume(Effect.fail(cause))
    worker.once("message", (answer: A) => resume(Effect.succeed(answer)))
    worker.once("error", fail)
    // Only the first of these counts.
    worker.once("exit", (code) => fail(new Error(`its thread ended with code ${code}`)))
    return Effect.promise(() => worker.terminate())
  })
