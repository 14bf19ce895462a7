/**
 * The state as Raft's state machine: committed commands become transactions of the database, whole databases become
 * snapshots, and a snapshot of another master becomes the state (rules 9 to 11).
 */
import type { AppliedEvent, Event } from "@nxmesh/protocol/Event"
import type { Batch, StateMachine } from "@nxmesh/raft/node/StateMachine"
import { Context, Effect, FiberSet, Layer } from "effect"
import type { AppliedEntry, Entry } from "./apply/Apply.ts"
import { Database } from "./Database.ts"
import { Events } from "./Events.ts"
import { type ApplyMetrics, applyMetrics } from "./replica/ApplyMetrics.ts"
import { type ApplyTrace, makeApplyTrace } from "./replica/ApplyTrace.ts"
import { encodeOutcome } from "./replica/CommandBytes.ts"
import { changeSessions, readSessions } from "./replica/RaftSessions.ts"
import { readCommand } from "./replica/ReadCommand.ts"
import { restoreState, stateSnapshot } from "./replica/StateSnapshot.ts"
import { applyBatch, readApplied, type Unreadable } from "./StateMachine.ts"

const noQuestion = Buffer.from("masters answer questions through their API alone", "utf8")

interface Parts {
  readonly database: Database["Service"]
  readonly events: Events["Service"]
  readonly metrics: ApplyMetrics
  readonly trace: ApplyTrace
  /** Apply had a defect on this entry (rule 5). */
  readonly alarm: (entry: Entry | Unreadable, defect: unknown) => void
}

const isOfSchema = ({ _tag }: Event): boolean => _tag === "ClusterVersionRaised"

const countCommands = (
  { alarm, metrics }: Parts,
  entries: ReadonlyArray<Entry | Unreadable>,
  results: ReadonlyArray<AppliedEntry>
): void => {
  for (const [position, { defect, outcome }] of results.entries()) {
    const entry = entries[position]
    if (entry === undefined) continue
    const command = "proposal" in entry ? entry.proposal.command._tag : "unreadable"
    metrics.commands.inc({ command, outcome: outcome._tag === "Accepted" ? "accepted" : outcome.rejection.code })
    if (defect === undefined) continue
    metrics.defects.inc()
    alarm(entry, defect)
  }
}

const makeMachine = (parts: Parts) => {
  const { database, events, metrics, trace } = parts
  let applied = readApplied(database.writer)
  metrics.appliedIndex.set(applied.index)

  /** Events are with their subscribers when this returns: whoever gets a command's answer finds caches that know of it. */
  const apply = ({ commands, last, sessionChanges }: Batch): ReadonlyArray<Uint8Array> => {
    const entries = commands.map(readCommand)
    const beganNanos = trace.nowNanos()
    let answers: ReadonlyArray<Uint8Array> = []
    const done = applyBatch(database.writer, applied, {
      entries,
      last,
      store: (results) => {
        answers = results.map(({ outcome }) => encodeOutcome(outcome))
        changeSessions(database.writer, sessionChanges(answers))
      }
    })
    applied = done.applied
    metrics.appliedIndex.set(applied.index)
    countCommands(parts, entries, done.results)
    if (done.results.some(({ events: happened }) => happened.some(isOfSchema))) database.reader.forget()
    const traces = trace.end(beganNanos, entries, done.results)
    events.publishUnsafe(
      done.results.flatMap(({ events: happened, outcome: { index } }, position) => {
        const at = traces[position]
        const traced = at === undefined ? {} : { trace: at }
        return happened.map((event): AppliedEvent => ({ index, event, ...traced }))
      })
    )
    database.afterCommit()
    metrics.batch.observe(entries.length)
    metrics.seconds.observe(Number(trace.nowNanos() - beganNanos) / 1e9)
    return answers
  }

  const machine: StateMachine = {
    load: () => {
      applied = readApplied(database.writer)
      return { applied: applied.index, sessions: readSessions(database.writer) }
    },
    apply,
    query: () => noQuestion,
    snapshot: stateSnapshot(database),
    restore: (image) =>
      restoreState(database, image).pipe(
        Effect.andThen(
          Effect.sync(() => {
            applied = readApplied(database.writer)
            metrics.appliedIndex.set(applied.index)
            events.publishUnsafe([{ index: applied.index, event: { _tag: "StateReset" } }])
          })
        )
      )
  }
  return { machine, appliedIndex: () => applied.index }
}

export class ReplicatedState extends Context.Service<
  ReplicatedState,
  {
    /** For the node of this master alone. */
    readonly machine: StateMachine
    /** The last entry that the state holds. */
    readonly appliedIndex: () => number
  }
>()("@nxmesh/master/state/ReplicatedState") {
  static readonly layer = Layer.effect(
    ReplicatedState,
    Effect.gen(function* () {
      const run = yield* FiberSet.makeRuntime<never>()
      const alarm: Parts["alarm"] = (entry, defect) => {
        const command = "proposal" in entry ? entry.proposal.command._tag : "unreadable"
        const told = { entry: entry.index, command, defect }
        run(Effect.logError("apply failed on an entry; it counts as refused", told))
      }
      return ReplicatedState.of(
        makeMachine({
          database: yield* Database,
          events: yield* Events,
          metrics: yield* applyMetrics,
          trace: yield* makeApplyTrace,
          alarm
        })
      )
    })
  )
}
