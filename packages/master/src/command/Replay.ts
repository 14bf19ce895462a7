/** At the start, the state catches up with the log: it may lag after a power cut, and it may be new. */
import { Data, Effect } from "effect"
import type { Entry } from "../state/apply/Apply.ts"
import { handlers } from "../state/apply/Handlers.ts"
import { decodeProposal, encodeProposal } from "../state/replica/CommandBytes.ts"
import { StateFailed, type StateMachine } from "../state/StateMachine.ts"
import type { CommandLog } from "./CommandLog.ts"
import type { LogRecord } from "./log/LogRecord.ts"

/** The log and the state do not belong together. */
export class LogMismatch extends Data.TaggedError("LogMismatch")<{ readonly problem: string }> {
  override get message() {
    return `the log and the state do not fit together: ${this.problem}; restore both from one backup`
  }
}

export { encodeProposal }

/** Of a log that knows no terms and no leader's clock. */
export const logEntry = ({ index, payload }: LogRecord): Entry => {
  const proposal = decodeProposal(payload)
  return { index, term: 1, atMillis: proposal.at_millis, proposal }
}

/**
 * Entries were checked against their schema before they were logged. A later version may check more strictly, and
 * must still replay them; what it cannot replay is a command that it does not know.
 */
const readEntry = ({ index, payload }: LogRecord) =>
  Effect.try({
    try: (): Entry => {
      const entry = logEntry({ index, payload })
      const { _tag } = entry.proposal.command
      if (!Object.hasOwn(handlers, _tag)) throw new Error(`unknown command ${_tag}`)
      return entry
    },
    catch: (cause) =>
      new LogMismatch({
        problem: `entry ${index} cannot be read (${cause instanceof Error ? cause.message : String(cause)}): was it written by a newer version?`
      })
  })

export const applyAll = (machine: StateMachine, entries: ReadonlyArray<Entry>) =>
  Effect.try({
    try: () => machine.apply(entries),
    catch: (cause) => (cause instanceof StateFailed ? cause : new StateFailed({ condition: "unexpected", cause }))
  })

/** Applies what the log holds beyond the state. Events are not published: nobody listens yet, and all start from the state. */
export const replay = Effect.fn("Commands.replay")(function* (log: CommandLog["Service"], machine: StateMachine) {
  const applied = machine.appliedIndex()
  const first = yield* log.firstIndex
  const last = yield* log.lastIndex
  if (applied > last) {
    return yield* new LogMismatch({ problem: `the log ends at entry ${last}, and the state holds entry ${applied}` })
  }
  if (applied < first - 1) {
    return yield* new LogMismatch({ problem: `the log starts at entry ${first}, and the state ends at ${applied}` })
  }
  yield* log.read(applied + 1, (records) =>
    Effect.gen(function* () {
      const entries = yield* Effect.forEach(records, readEntry)
      const results = yield* applyAll(machine, entries)
      for (const [position, { defect }] of results.entries()) {
        if (defect !== undefined) {
          yield* Effect.logError("apply failed on an entry of the log; it counts as refused", {
            entry: entries[position]?.index,
            command: entries[position]?.proposal.command._tag,
            defect
          })
        }
      }
    })
  )
  if (last > applied) yield* Effect.logInfo("the state caught up with the log", { from: applied, to: last })
})
