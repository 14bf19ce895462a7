/** The thread of Checkpoints: each message asks for one. */
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"

/** What is written during a pass is left for the next one, which is shorter. */
const passes = 2

const database = new DatabaseSync(workerData as string)
const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")

parentPort?.on("message", () => {
  for (let pass = 0; pass < passes; pass++) checkpoint.get()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(null)
})
