/** The thread of one DatabaseTask. */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import type { DatabaseFile, DatabaseTask } from "./DatabaseTask.ts"

const flush = (path: string): void => {
  const descriptor = openSync(path, "r+")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const verify = (path: string): DatabaseFile => {
  flush(path)
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const found = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"]
    if (found !== "ok") throw new Error(String(found))
    const index = database.prepare("SELECT value FROM meta WHERE name = 'applied_index'").get()?.["value"]
    if (typeof index !== "string") throw new Error("it does not say which entry it ends with")
    const schema = database.prepare("PRAGMA user_version").get()?.["user_version"]
    return { index: Number(index), schema: Number(schema), bytes: statSync(path).size }
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

const task = workerData as DatabaseTask
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(task.kind === "copy" ? copy(task.from, task.to) : verify(task.path))
