// Runs seeds one after the other in a thread of its own: asks for the next one with each report.

import { parentPort } from "node:worker_threads"
import { simulate } from "../../packages/raft/src/testing/simulation/Simulation.ts"
import type { SeedOutcome, SeedTask } from "./SeedPool.ts"

const port = parentPort
if (port === null) throw new Error("run this as a worker thread")

port.on("message", ({ seed, durationMillis, traceLines }: SeedTask) => {
  const { counters, ...report } = simulate({ seed, durationMillis, traceLines })
  const outcome: SeedOutcome = { ...report, counts: counters.entries() }
  port.postMessage(outcome)
})
