import { Worker } from "node:worker_threads"
import type { SimulationReport } from "../../packages/raft/src/testing/simulation/Simulation.ts"

export interface SeedTask {
  readonly seed: number
  readonly durationMillis: number
  readonly traceLines: number
}

export interface SeedOutcome extends Omit<SimulationReport, "counters"> {
  readonly counts: ReadonlyArray<readonly [name: string, times: number]>
}

/** Runs a worker until there are no more tasks for it, or until the caller has seen enough. */
const runWorker = (next: () => SeedTask | undefined, seen: (outcome: SeedOutcome) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("SeedWorker.ts", import.meta.url))
    const go = (): void => {
      const task = next()
      if (task === undefined) void worker.terminate().then(() => resolve())
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      else worker.postMessage(task)
    }
    worker.on("message", (outcome: SeedOutcome) => {
      seen(outcome)
      go()
    })
    worker.on("error", reject)
    go()
  })

/** Spreads tasks over threads; each outcome is reported as it comes, in no particular order. */
export const runSeeds = async (
  threads: number,
  next: () => SeedTask | undefined,
  seen: (outcome: SeedOutcome) => void
): Promise<void> => {
  await Promise.all(Array.from({ length: threads }, () => runWorker(next, seen)))
}
