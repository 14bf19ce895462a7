/**
 * The thread of the store. What came while a transaction was flushed is written by the next one together, so that one flush
 * serves many agents.
 */
import { parentPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import type { Answered, Numbered, TelemetryAnswer, TelemetryRequest } from "../TelemetryMessage.ts"
import type { SqliteDatabase } from "./SqliteDatabase.ts"
import { isDamage, SqliteFile } from "./SqliteFile.ts"

const file = new SqliteFile(workerData as string)
const waiting: Array<Numbered> = []

const answer = (message: Answered): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message)
}

const carryOut = (database: SqliteDatabase, request: TelemetryRequest): TelemetryAnswer => {
  switch (request._tag) {
    case "Take":
      return database.take(request.agentId, request.batch, request.nowMillis)
    case "Notes":
      return database.notes(request)
    case "Retain":
      return database.retain(request.nowMillis, request.bounds)
    case "Close":
      file.close()
      return null
  }
}

const writes = (request: TelemetryRequest): boolean => request._tag === "Take" || request._tag === "Notes"

/** All of them, or none. */
const together = (requests: ReadonlyArray<Numbered>): ReadonlyArray<Answered> => {
  const database = file.database()
  if (requests.some(({ request }) => writes(request))) file.requireRoom()
  return database.transaction(() => requests.map(({ id, request }) => ({ id, answer: carryOut(database, request) })))
}

const failure = (cause: unknown): string => {
  const why = cause instanceof Error ? cause.message : String(cause)
  if (!isDamage(cause)) return why
  try {
    file.setAside()
    return `${why}; it was set aside, and another one begins`
  } catch (further) {
    return `${why}; it cannot be set aside: ${String(further)}`
  }
}

const attempt = (requests: ReadonlyArray<Numbered>): void => {
  try {
    together(requests).forEach(answer)
  } catch (cause) {
    const why = failure(cause)
    for (const { id } of requests) answer({ id, failure: why })
  }
}

const serve = (): void => {
  const requests = waiting.splice(0, Limits.telemetry.requestsPerTransactionMax)
  const last = requests.at(-1)
  if (last?.request._tag === "Close") {
    attempt(requests.slice(0, -1))
    answer({ id: last.id, answer: carryOut(file.database(), last.request) })
    return
  }
  attempt(requests)
  if (waiting.length > 0) setImmediate(serve)
}

parentPort?.on("message", (message: Numbered) => {
  waiting.push(message)
  if (waiting.length === 1) setImmediate(serve)
})
