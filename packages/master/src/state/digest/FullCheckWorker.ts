/** The thread of one full check. */
import { parentPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { openConnection } from "../Connection.ts"
import { readMeta } from "../Meta.ts"
import type { FullCheck, FullCheckTask } from "./FullCheck.ts"
import { fullDigest, stateDigest } from "./StateDigest.ts"

const options = { readOnly: true, busyMillisMax: Limits.state.busyMillisMax }

const check = ({ from, to }: FullCheckTask): FullCheck => {
  const state = openConnection(from, options)
  try {
    state.run("VACUUM INTO ?", to)
  } finally {
    state.close()
  }
  const copy = openConnection(to, options)
  try {
    const kept = stateDigest(copy)
    if (kept === undefined) throw new Error("it holds no digest")
    return { index: Number(readMeta(copy, "applied_index") ?? 0), kept, found: fullDigest(copy) }
  } finally {
    copy.close()
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(check(workerData as FullCheckTask))
