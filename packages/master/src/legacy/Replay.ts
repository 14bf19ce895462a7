/** Brings the state to the end of a log from before Raft: it may lag after a power cut, and it may be gone. */
import { Data, Effect } from "effect"
import type { Entry } from "../state/apply/Apply.ts"
import { handlers } from "../state/apply/Handlers.ts"
import type { Connection } from "../state/Connection.ts"
import { decodeProposal } from "../state/replica/CommandBytes.ts"
import { applyBatch, readApplied, type StateBatch, StateFailed } from "../state/StateMachine.ts"
import type { LegacyLog } from "./LegacyLog.ts"
import type { LogRecord } from "./LogRecord.ts"

/** The log and the state do not belong together. */
export class LogMismatch extends Data.TaggedError("LogMismatch")<{ readonly problem: string }> {
  override get message() {
    return `the log and the state do not fit together: ${this.problem}; restore both from one backup`
  }
}

/** Of all entries from before there were terms, and of the snapshot that Raft begins with. */
export const legacyTerm = 1

/**
 * Entries were checked against their schema before they were logged. A later version may check more strictly, and
 * must still replay them; what it cannot replay is a command that it does not know.
 */
const readEntry = ({ index, payload }: LogRecord) =>
  Effect.try({
    try: (): Entry => {
      const proposal = decodeProposal(payload)
      const { _tag } = proposal.command
      if (!Object.hasOwn(handlers, _tag)) throw new Error(`unknown command ${_tag}`)
      // There was one master, whose clock was the only one.
      return { index, term: legacyTerm, atMillis: proposal.at_millis, proposal }
    },
    catch: (cause) =>
      new LogMismatch({
        problem: `entry ${index} cannot be read (${cause instanceof Error ? cause.message : String(cause)}): was it written by a newer version?`
      })
  })

const apply = (state: Connection, batch: StateBatch) =>
  Effect.try({
    try: () => applyBatch(state, readApplied(state), batch).results,
    catch: (cause) => (cause instanceof StateFailed ? cause : new StateFailed({ condition: "unexpected", cause }))
  })

const applyRecords = Effect.fnUntraced(function* (state: Connection, records: ReadonlyArray<LogRecord>) {
  const entries = yield* Effect.forEach(records, readEntry)
  const last = entries.at(-1)
  if (last === undefined) return
  const results = yield* apply(state, { entries, last: { index: last.index, term: last.term } })
  for (const [position, { defect }] of results.entries()) {
    if (defect === undefined) continue
    const told = { entry: entries[position]?.index, command: entries[position]?.proposal.command._tag, defect }
    yield* Effect.logError("apply failed on an entry of the log; it counts as refused", told)
  }
})

/**
 * Applies what the log holds beyond the state, with no events: nobody listens yet, and all start from the state. Answers
 * the last entry that the state holds then; 0: nothing was ever changed. May be repeated.
 */
export const replayLog = Effect.fn("Legacy.replay")(function* (log: LegacyLog, state: Connection) {
  const { firstIndex, lastIndex } = log
  const { index: applied } = readApplied(state)
  if (applied > lastIndex) {
    return yield* new LogMismatch({
      problem: `the log ends at entry ${lastIndex}, and the state holds entry ${applied}`
    })
  }
  if (applied < firstIndex - 1) {
    return yield* new LogMismatch({
      problem: `the log starts at entry ${firstIndex}, and the state ends at ${applied}`
    })
  }
  yield* log.read(applied + 1, (records) => applyRecords(state, records))
  // A state that was up to date knows of no term.
  if (lastIndex > 0) yield* apply(state, { entries: [], last: { index: lastIndex, term: legacyTerm } })
  if (lastIndex > applied) yield* Effect.logInfo("the state caught up with the log", { from: applied, to: lastIndex })
  return lastIndex
})
