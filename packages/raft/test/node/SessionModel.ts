/**
 * What sessions are to do, said as plainly as possible: one entry at a time, lists that are searched. And the real
 * thing, driven by the same entries in batches, with its changes stored and now and then loaded again.
 */
import { Sessions } from "@nxmesh/raft/node/Sessions"
import type { Decision, SessionLimits, SessionRow } from "@nxmesh/raft/node/Sessions"
import { SessionTable } from "@nxmesh/raft/testing/machine/SessionTable"
import type { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"

export type Entry =
  | { readonly kind: "open" }
  | { readonly kind: "command"; readonly session: number; readonly serial: number; readonly acknowledged: number }

/** What whoever proposed the entry is told. */
export type Told = "opened" | "SessionExpired" | "AnswerForgotten" | "TooManyAnswers" | { readonly result: string }

export interface Run {
  readonly told: ReadonlyArray<Told>
  readonly rows: ReadonlyArray<SessionRow>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The result of a command says where it was executed; every fifth is long. */
const resultAt = (index: number): Uint8Array =>
  encoder.encode(index % 5 === 0 ? `at ${index}, and long` : `at ${index}`)

interface NaiveSession {
  readonly session: number
  lastUsed: number
  acknowledged: number
  answers: Array<{ readonly serial: number; readonly result: Uint8Array | null }>
}

export const runModel = (entries: ReadonlyArray<Entry>, limits: SessionLimits): Run => {
  let sessions: Array<NaiveSession> = []
  const expire = (): void => {
    sessions.sort((a, b) => a.lastUsed - b.lastUsed)
    const answers = () => sessions.reduce((sum, one) => sum + one.answers.length, 0)
    while (sessions.length > limits.sessionsMax || answers() > limits.answersInAllMax) sessions = sessions.slice(1)
  }
  const tell = (entry: Entry, index: number): Told => {
    if (entry.kind === "open") {
      sessions.push({ session: index, lastUsed: index, acknowledged: 1, answers: [] })
      expire()
      return "opened"
    }
    const session = sessions.find((one) => one.session === entry.session)
    if (session === undefined) return "SessionExpired"
    session.lastUsed = index
    session.acknowledged = Math.max(session.acknowledged, entry.acknowledged)
    session.answers = session.answers.filter(({ serial }) => serial >= session.acknowledged)
    if (entry.serial < session.acknowledged) return "AnswerForgotten"
    const known = session.answers.find(({ serial }) => serial === entry.serial)
    if (known !== undefined) return known.result === null ? "AnswerForgotten" : { result: decoder.decode(known.result) }
    if (entry.serial - session.acknowledged >= limits.answersMax) return "TooManyAnswers"
    const result = resultAt(index)
    session.answers.push({ serial: entry.serial, result: result.length > limits.answerBytesMax ? null : result })
    expire()
    return { result: decoder.decode(result) }
  }
  const told = entries.map((entry, i) => tell(entry, i + 1))
  const rows = sessions.map((one) => ({ ...one, answers: one.answers.toSorted((a, b) => a.serial - b.serial) }))
  return { told, rows: rows.sort((a, b) => a.session - b.session) }
}

/** `restarts` says after which batches the table is loaded from what was stored. */
export const runSessions = (
  entries: ReadonlyArray<Entry>,
  limits: SessionLimits,
  batchSize: () => number,
  restarts: () => boolean
): Run => {
  const table = new SessionTable()
  let sessions = new Sessions([], limits)
  const told: Array<Told> = []
  for (let from = 0; from < entries.length;) {
    const batch = entries.slice(from, from + batchSize())
    told.push(...runBatch(sessions, table, batch, from + 1))
    from += batch.length
    if (restarts()) sessions = new Sessions(table.rows(), limits)
  }
  return { told, rows: table.rows() }
}

const runBatch = (
  sessions: Sessions,
  table: SessionTable,
  batch: ReadonlyArray<Entry>,
  first: number
): ReadonlyArray<Told> => {
  const decisions = batch.map((entry, i): Decision | "opened" => {
    if (entry.kind === "command") return sessions.decide(first + i, entry)
    sessions.open(first + i)
    return "opened"
  })
  const executed = decisions.flatMap((decision, i) =>
    decision !== "opened" && decision._tag === "Execute" ? [resultAt(first + i)] : []
  )
  table.apply(sessions.settle(executed))
  return decisions.map((decision, i) => {
    if (decision === "opened") return decision
    if (decision._tag === "Reject") return decision.reason
    if (decision._tag === "Execute") return { result: decoder.decode(resultAt(first + i)) }
    return decision.answer.result === null ? "AnswerForgotten" : { result: decoder.decode(decision.answer.result) }
  })
}

/** Clients that open sessions, send out of order, repeat, acknowledge late, jump ahead, and use sessions that are gone. */
export const randomEntries = (random: SeededRandom, count: number): ReadonlyArray<Entry> => {
  const opened: Array<number> = []
  const entries: Array<Entry> = []
  for (let index = 1; index <= count; index++) {
    if (opened.length === 0 || random.chance(5)) {
      opened.push(index)
      entries.push({ kind: "open" })
      continue
    }
    const session = random.chance(2) ? random.between(1, count) : random.pick(opened.slice(-4))
    const serial = random.chance(1)
      ? random.between(1, 2 ** 50)
      : Math.ceil((index - session) / 4) + random.between(1, 6)
    const acknowledged = random.chance(50) ? 0 : Math.max(0, serial - random.between(0, 7))
    entries.push({ kind: "command", session, serial, acknowledged })
  }
  return entries
}
