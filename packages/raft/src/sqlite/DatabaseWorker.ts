/** The thread of one DatabaseTask. */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import type { DatabaseFile, DatabaseWork } from "./DatabaseTask.ts"

const { appliedIndex, task } = workerData as DatabaseWork

const flush = (path: string): void => {
  const descriptor = openSync(path, "r+")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const indexIn = (database: DatabaseSync): number => {
  const [found] = Object.values(database.prepare(appliedIndex).get() ?? {})
  const index = typeof found === "string" && /^\d+$/.test(found) ? Number(found) : found
  if (typeof index !== "number") throw new Error("it does not say which entry it ends with")
  return index
}

const verify = (path: string): DatabaseFile => {
  flush(path)
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const found = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"]
    if (found !== "ok") throw new Error(String(found))
    const index = indexIn(database)
    const schema = database.prepare("PRAGMA user_version").get()?.["user_version"]
    return { index, schema: Number(schema), bytes: statSync(path).size }
  } finally {
    database.close()
  }
}

const copy = (from: string, to: string): DatabaseFile => {
  const database = new DatabaseSync(from, { readOnly: true })
  try {
    database.prepare("VACUUM INTO ?").run(to)
  } finally {
    database.close()
  }
  return verify(to)
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(task.kind === "copy" ? copy(task.from, task.to) : verify(task.path))
