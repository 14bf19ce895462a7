/**
 * A live tail as server-sent events (HTML standard, "Server-sent events"): `line` has a line; `dropped` says how many lines there
 * was no room for; `missing` names masters whose lines are missing, none when all are back; `end` says why it ends. Comments keep
 * the connection alive.
 */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { AccessLogTailQuery } from "@nxmesh/protocol/model/AccessLogQuery"
import { allowsSomewhere } from "@nxmesh/protocol/model/Access"
import { Clock, Duration, Effect, Queue, Scope, Stream } from "effect"
import { Callers } from "../auth/Callers.ts"
import { Limits } from "../Limits.ts"
import { LogTails, type LogTail } from "../telemetry/accessLogs/LogTails.ts"
import { agentsForNow, askedConditions } from "./LogQuestions.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders } from "./ResponseHeaders.ts"

const { accessLogs: limits } = Limits
const encoder = new TextEncoder()

const event = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

type Agents = ReadonlyArray<AgentId> | null

/** `null` is all of them. */
const both = (left: Agents, right: Agents): Agents => {
  if (left === null || right === null) return left ?? right
  const known = new Set(right)
  return left.filter((id) => known.has(id))
}

interface Told {
  readonly missing: string
  readonly spokenMillis: number
}

/** What there is to say now, and whether anything was said. */
const tick = Effect.fnUntraced(function* (tail: LogTail, told: Told) {
  const now = yield* Clock.currentTimeMillis
  const { dropped, rows } = yield* tail.drain
  const missing = JSON.stringify(yield* tail.missing)
  const words = [
    ...rows.map((row) => event("line", row)),
    ...(dropped === 0 ? [] : [event("dropped", { lines: dropped })]),
    ...(missing === told.missing ? [] : [event("missing", { masters: JSON.parse(missing) as unknown })])
  ]
  const isSilent = now - told.spokenMillis >= Duration.toMillis(limits.tailHeartbeat)
  const text = words.length === 0 && isSilent ? ": still here\n\n" : words.join("")
  return { text, told: { missing, spokenMillis: text === "" ? told.spokenMillis : now } }
})

export const tailLines = Effect.fnUntraced(function* (query: AccessLogTailQuery) {
  const conditions = yield* askedConditions(query)
  const { access, principal } = yield* CurrentUser
  const callers = yield* Callers
  const tails = yield* LogTails
  const scope = yield* Effect.scope
  const tail = yield* tails.open(conditions).pipe(
    Scope.provide(scope),
    Effect.mapError(({ message }) => refuse("TOO_MANY_REQUESTS", message))
  )
  // One chunk waits at most: a client that does not read lets the buffer fill, and what is dropped is counted there.
  const chunks = yield* Queue.bounded<string>(1)

  /**
   * What may be read is looked up anew: rights end, and agents come. Never more than what was allowed at the beginning: a key
   * may allow less than its account.
   */
  const follow = callers.standing(principal).pipe(
    Effect.flatMap((standing) =>
      standing !== undefined && allowsSomewhere(standing, "log:read")
        ? Effect.all([agentsForNow(query, access), agentsForNow(query, standing)]).pipe(
            Effect.flatMap(([first, now]) => tail.retarget({ ...conditions, agentIds: both(first, now) })),
            Effect.as(true)
          )
        : Effect.succeed(false)
    )
  )
  let told: Told = { missing: "[]", spokenMillis: yield* Clock.currentTimeMillis }
  const speak = Effect.gen(function* () {
    const said = yield* tick(tail, told)
    told = said.told
    if (said.text !== "") yield* Queue.offer(chunks, said.text)
  })
  const ticks = Math.round(Duration.toMillis(limits.tailAccessInterval) / Duration.toMillis(limits.tailTick))
  const run = Effect.gen(function* () {
    yield* Queue.offer(chunks, ": the tail begins\n\n")
    for (let count = 1; ; count++) {
      yield* Effect.sleep(limits.tailTick)
      yield* speak
      if (count % ticks === 0 && !(yield* follow)) break
    }
    yield* Queue.offer(chunks, event("end", { reason: "you may not read these logs any more" }))
    yield* Queue.offer(chunks, "")
  })
  yield* run.pipe(Effect.forkIn(scope))
  yield* answerHeaders({ "cache-control": "no-store", "x-accel-buffering": "no" })
  return Stream.fromQueue(chunks).pipe(
    Stream.takeWhile((text) => text !== ""),
    Stream.map((text) => encoder.encode(text))
  )
})
