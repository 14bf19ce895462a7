/** At the start, the state catches up with the log: it may lag after a power cut, and it may be new. */
import type { Proposal } from "@nxmesh/protocol/Command"
import { Data, Effect } from "effect"
import type { Entry } from "../state/apply/Apply.ts"
import { handlers } from "../state/apply/Handlers.ts"
import { StateFailed, type StateMachine } from "../state/StateMachine.ts"
import type { CommandLog } from "./CommandLog.ts"
import type { LogRecord } from "./log/LogRecord.ts"

/** The log and the state do not belong together. */
export class LogMismatch extends Data.TaggedError("LogMismatch")<{ readonly problem: string }> {
  override get message() {
    return `the log and the state do not fit together: ${this.problem}; restore both from one backup`
  }
}

const text = new TextDecoder("utf-8", { fatal: true })

export const encodeProposal = (proposal: Proposal): Uint8Array => Buffer.from(JSON.stringify(proposal), "utf8")

/** What apply gets is what the log holds, so that a later replay gets the same. */
export const parseProposal = (payload: Uint8Array): Proposal => JSON.parse(text.decode(payload)) as Proposal

/**
 * Entries were checked against their schema before they were logged. A later version may check more strictly, and
 * must still replay them; what it cannot replay is a command that it does not know.
 */
const readEntry = ({ index, payload }: LogRecord) =>
  Effect.try({
    try: (): Entry => {
      const proposal = parseProposal(payload)
      if (!Object.hasOwn(handlers, proposal.command._tag)) throw new Error(`unknown command ${proposal.command._tag}`)
      return { index, proposal }
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
