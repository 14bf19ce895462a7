/**
 * Reads the whole state and compares it with the digest that apply kept. It finds what no change made: a damaged file, and
 * rows that somebody else wrote. In a thread of its own, on a copy, for a read that lasts would keep the -wal from shrinking.
 */
import { Effect } from "effect"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import type { Database } from "../Database.ts"
import { StateFileError } from "@nxmesh/raft/sqlite/StateFileError"
import { threadAnswer } from "@nxmesh/raft/sqlite/ThreadAnswer"
import type { Digest } from "./RowDigest.ts"

export interface FullCheck {
  /** The last entry that was in the state. */
  readonly index: number
  /** As apply kept it. */
  readonly kept: Digest
  /** Of all rows that are there. */
  readonly found: Digest
}

export interface FullCheckTask {
  readonly from: string
  readonly to: string
}

const run = (task: FullCheckTask): Effect.Effect<FullCheck, StateFileError> =>
  threadAnswer<FullCheck>(
    () => new Worker(new URL("./FullCheckWorker.ts", import.meta.url), { workerData: task })
  ).pipe(
    Effect.mapError((cause) => {
      const detail = `cannot read all of it: ${cause instanceof Error ? cause.message : String(cause)}`
      return new StateFileError({ file: task.from, detail, cause })
    })
  )

/** Snapshots are numbered from 1. What a crash leaves of it the next start removes. */
const copyName = "snapshot-0.db"

export const fullCheck = ({
  file,
  states
}: Pick<Database["Service"], "file" | "states">): Effect.Effect<FullCheck, StateFileError> => {
  const to = join(states.directory, copyName)
  const remove = Effect.promise(() => rm(to, { force: true }))
  return remove.pipe(Effect.andThen(run({ from: file, to })), Effect.ensuring(remove))
}
