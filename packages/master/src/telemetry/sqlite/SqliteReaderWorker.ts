/** A thread that answers questions to the store's file, one after the other, and writes nothing. */
import { DatabaseSync } from "node:sqlite"
import { statSync } from "node:fs"
import { parentPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import type { SqlRow } from "../TelemetrySql.ts"
import type { ReaderAnswer, ReaderQuestion } from "./SqliteReaders.ts"

const path = workerData as string
let opened: { readonly database: DatabaseSync; readonly inode: number } | null = null

/** `null` while nothing was kept yet. */
const current = (): DatabaseSync | null => {
  const inode = statSync(path, { throwIfNoEntry: false })?.ino
  // The file may have been set aside, and another one begun.
  if (opened !== null && opened.inode !== inode) {
    opened.database.close()
    opened = null
  }
  if (inode === undefined) return null
  opened ??= { database: new DatabaseSync(path, { readOnly: true, timeout: Limits.telemetry.busyMillisMax }), inode }
  return opened.database
}

const rowsOf = ({ parameters, rowsMax, sql }: ReaderQuestion): ReadonlyArray<SqlRow> => {
  const database = current()
  if (database === null) return []
  const rows: Array<SqlRow> = []
  for (const row of database.prepare(sql).iterate(...parameters)) {
    rows.push(row as SqlRow)
    if (rows.length >= rowsMax) break
  }
  return rows
}

parentPort?.on("message", (question: ReaderQuestion) => {
  let answer: ReaderAnswer
  try {
    answer = { rows: rowsOf(question) }
  } catch (cause) {
    answer = { failure: cause instanceof Error ? cause.message : String(cause) }
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answer)
})
