/**
 * Work on whole databases, which takes seconds where there are gigabytes: in a thread of its own (DatabaseWorker.ts), so
 * that entries are applied and requests answered meanwhile.
 */
import { Worker } from "node:worker_threads"
import { Effect } from "effect"
import type { Index } from "../core/Types.ts"
import { StateFileError } from "./StateFileError.ts"
import { threadAnswer } from "./ThreadAnswer.ts"

export type DatabaseTask =
  /**
   * Writes the database at `from` to `to`, as of one moment, flushes and verifies it. `VACUUM INTO` reads in one
   * transaction on a connection of its own, which in WAL mode holds up no writer; what it writes is one compact file
   * without a -wal beside it.
   */
  | { readonly kind: "copy"; readonly from: string; readonly to: string }
  /** Flushes the database at `path` and reads all of it: pages, indexes, and which entry it ends with. */
  | { readonly kind: "verify"; readonly path: string }

/** A statement that answers the index of the last entry applied, as a number or in digits, in the only column of its row. */
export type AppliedIndexQuery = string

export interface DatabaseWork {
  readonly task: DatabaseTask
  readonly appliedIndex: AppliedIndexQuery
}

export interface DatabaseFile {
  /** The last entry that it holds, from inside the file. */
  readonly index: Index
  /** `PRAGMA user_version`. */
  readonly schema: number
  readonly bytes: number
}

/** Interrupted, it stops where it is: half a file may be left. */
export const runDatabaseTask = (
  task: DatabaseTask,
  appliedIndex: AppliedIndexQuery
): Effect.Effect<DatabaseFile, StateFileError> => {
  const workerData: DatabaseWork = { task, appliedIndex }
  return threadAnswer<DatabaseFile>(
    () => new Worker(new URL("./DatabaseWorker.ts", import.meta.url), { workerData })
  ).pipe(
    Effect.mapError((cause) => {
      const detail = `cannot ${task.kind} it: ${cause instanceof Error ? cause.message : String(cause)}`
      return new StateFileError({ file: task.kind === "copy" ? task.to : task.path, detail, cause })
    })
  )
}
