/**
 * The thread that writes to Postgres. What came while a transaction was under way is written by the next one together. When a
 * group fails for another reason than the connection, its requests are tried one by one: one that cannot be kept holds up no other.
 */
import { parentPort, workerData } from "node:worker_threads"
import type { PgClient } from "@effect/sql-pg"
import { Cause, Effect, Exit, Scope } from "effect"
import { isSqlError } from "effect/sql/SqlError"
import { Limits } from "../../Limits.ts"
import type { Answered, Numbered, TelemetryAnswer } from "../TelemetryMessage.ts"
import { dayOf, ensurePartitions, retainPartitions } from "./Partitions.ts"
import { makePostgres, postgresFailure } from "./PostgresClient.ts"
import { type IntakeRequest, takeGroup } from "./PostgresIntake.ts"
import { PostgresNumbers } from "./PostgresNumbers.ts"
import { migrate, PostgresUnusable } from "./PostgresSchema.ts"

const url = workerData as string
const scope = Scope.makeUnsafe()
const waiting: Array<Numbered> = []
let isServing = false
/** The day whose partitions are known to be there; `null`: nothing is known of the database. */
let preparedDay: number | null = null
let opened: { readonly sql: PgClient.PgClient; readonly numbers: PostgresNumbers } | null = null

const answer = (message: Answered): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message)
}

const open = Effect.gen(function* () {
  if (opened !== null) return opened
  const sql = yield* makePostgres({ url, connectionsMax: Limits.telemetry.postgresWritersMax, isReadOnly: false }).pipe(
    Scope.provide(scope)
  )
  opened = { sql, numbers: new PostgresNumbers(sql) }
  return opened
})

const prepared = (nowMillis: number) =>
  Effect.gen(function* () {
    const { numbers, sql } = yield* open
    if (preparedDay === dayOf(nowMillis)) return { numbers, sql }
    if (preparedDay === null) {
      numbers.forget()
      yield* migrate(sql)
    }
    yield* ensurePartitions(sql, nowMillis)
    preparedDay = dayOf(nowMillis)
    return { numbers, sql }
  })

const nowOf = ({ request }: Numbered): number => ("nowMillis" in request ? request.nowMillis : 0)

const carryOut = (group: ReadonlyArray<Numbered>) =>
  Effect.gen(function* () {
    const nowMillis = Math.max(...group.map(nowOf))
    const { numbers, sql } = yield* prepared(nowMillis)
    const [first] = group
    if (first?.request._tag === "Retain") {
      return [yield* retainPartitions(sql, first.request.nowMillis, first.request.bounds)]
    }
    return yield* takeGroup(
      sql,
      numbers,
      group.map(({ request }) => request as IntakeRequest)
    )
  }).pipe(
    Effect.timeoutOrElse({
      duration: 2 * Limits.telemetry.postgresStatementMillis,
      orElse: () => Effect.fail(new PostgresUnusable({ message: "it does not answer in time" }))
    })
  )

const failureOf = (cause: Cause.Cause<unknown>): string => {
  const failure = Cause.squash(cause)
  return failure instanceof PostgresUnusable ? `Postgres: ${failure.message}` : postgresFailure(failure, url)
}

/** Whether the next request would fail as well. */
const isOfConnection = (cause: Cause.Cause<unknown>): boolean => {
  const failure = Cause.squash(cause)
  if (failure instanceof PostgresUnusable) return true
  return (
    isSqlError(failure) &&
    ["ConnectionError", "AuthenticationError", "AuthorizationError"].includes(failure.reason._tag)
  )
}

const attempt = async (group: ReadonlyArray<Numbered>): Promise<void> => {
  const exit = await Effect.runPromiseExit(carryOut(group))
  if (Exit.isSuccess(exit)) {
    exit.value.forEach((one: TelemetryAnswer, index) => answer({ id: group[index]?.id ?? -1, answer: one }))
    return
  }
  // Tables, rows and numbers may be others when it is back.
  preparedDay = null
  if (group.length > 1 && !isOfConnection(exit.cause)) {
    for (const one of group) await attempt([one])
    return
  }
  const failure = failureOf(exit.cause)
  for (const { id } of group) answer({ id, failure })
}

/** What can be written together, from the front. */
const nextGroup = (): ReadonlyArray<Numbered> => {
  const other = waiting.findIndex(({ request }) => request._tag === "Retain" || request._tag === "Close")
  const count = other === -1 ? waiting.length : Math.max(1, other)
  return waiting.splice(0, Math.min(count, Limits.telemetry.requestsPerTransactionMax))
}

const serve = async (): Promise<void> => {
  isServing = true
  while (waiting.length > 0) {
    const group = nextGroup()
    const [first] = group
    if (first?.request._tag === "Close") {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      answer({ id: first.id, answer: null })
    } else await attempt(group)
  }
  isServing = false
}

parentPort?.on("message", (message: Numbered) => {
  waiting.push(message)
  if (!isServing) void serve()
})
