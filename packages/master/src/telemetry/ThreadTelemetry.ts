/**
 * A store behind a thread of its own: what is taken is answered once it is on disk, and what comes by itself waits in memory,
 * bounded, until it can be written.
 */
import type { Worker } from "node:worker_threads"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind, OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Clock, Deferred, Effect, Schedule } from "effect"
import { Warnings } from "../cluster/Warnings.ts"
import { Limits } from "../Limits.ts"
import { NoteQueue } from "./NoteQueue.ts"
import type { RetentionBounds } from "./Retention.ts"
import type { Note, RequestOf, TelemetryAnswers, TelemetryRequest } from "./TelemetryMessage.ts"
import { telemetryMetrics } from "./TelemetryMetrics.ts"
import { type NewEvent, TelemetryStore, TelemetryUnavailable } from "./TelemetryStore.ts"
import { TelemetryThread } from "./TelemetryThread.ts"

const { telemetry: limits } = Limits

const charactersOf = ({ entries }: OutboxBatch): number => entries.reduce((sum, { report }) => sum + report.length, 0)

export const makeThreadTelemetry = Effect.fnUntraced(function* (
  makeWorker: () => Worker,
  bounds: Effect.Effect<RetentionBounds>
) {
  const metrics = yield* telemetryMetrics.pipe(Effect.provideService(Metrics, yield* Metrics))
  const warn = yield* (yield* Warnings).keep("telemetry")
  const writer = yield* (yield* Identifiers).uuid
  const thread = new TelemetryThread(makeWorker)
  let charactersInFlight = 0

  /** What an operator hears of it, until it works again. */
  const works = (isWorking: boolean, why: string) => {
    metrics.up.set(isWorking ? 1 : 0)
    return warn(isWorking ? [] : [`telemetry cannot be kept, the configuration goes on: ${why}`])
  }
  const ask = <Tag extends TelemetryRequest["_tag"]>(
    make: (nowMillis: number) => RequestOf<Tag>
  ): Effect.Effect<TelemetryAnswers[Tag], TelemetryUnavailable> =>
    Effect.gen(function* () {
      const nowMillis = yield* Clock.currentTimeMillis
      return yield* Effect.tryPromise({
        try: () => thread.ask<Tag>(make(nowMillis), nowMillis),
        catch: (cause) => new TelemetryUnavailable({ message: cause instanceof Error ? cause.message : String(cause) })
      })
    }).pipe(
      Effect.tap(() => works(true, "")),
      Effect.tapError(({ message }) => {
        metrics.failures.inc()
        return works(false, message)
      }),
      Effect.timeoutOrElse({
        duration: limits.answerTimeout,
        orElse: () => Effect.fail(new TelemetryUnavailable({ message: "the store is slow: it did not answer in time" }))
      })
    )

  const take = Effect.fn("TelemetryStore.take")(function* (agentId: AgentId, batch: OutboxBatch) {
    const characters = charactersOf(batch)
    if (charactersInFlight > 0 && charactersInFlight + characters > limits.charactersInFlightMax) {
      metrics.refused.inc()
      return yield* new TelemetryUnavailable({ message: "other agents' reports come first" })
    }
    charactersInFlight += characters
    const { rows, through, undecodable } = yield* ask<"Take">((nowMillis) => ({
      _tag: "Take",
      agentId,
      batch,
      nowMillis
    })).pipe(Effect.ensuring(Effect.sync(() => (charactersInFlight -= characters))))
    metrics.rows.inc(rows)
    metrics.undecodable.inc(undecodable)
    return { through }
  })

  const queue = new NoteQueue({ countMax: limits.notesWaitingMax, charactersMax: limits.noteCharactersWaitingMax })
  let more = yield* Deferred.make<void>()
  const offer = (notes: ReadonlyArray<Note>) =>
    Effect.suspend(() => {
      metrics.dropped.inc(queue.add(notes))
      metrics.waiting.set(queue.count)
      return Effect.asVoid(Deferred.succeed(more, undefined))
    })
  /** The same group until it is written: the store knows the number of one that it has. False when nothing waits. */
  const writeGroup = Effect.gen(function* () {
    const group = queue.next(limits.notesTogetherMax)
    if (group === null) return false
    const { rows, undecodable } = yield* ask<"Notes">((nowMillis) => ({
      _tag: "Notes",
      writer,
      sequence: group.sequence,
      notes: group.notes,
      nowMillis
    }))
    queue.written(group.sequence)
    metrics.rows.inc(rows)
    metrics.undecodable.inc(undecodable)
    metrics.waiting.set(queue.count)
    return true
  })
  const writeNotes = Effect.gen(function* () {
    // Before it is looked: who offers meanwhile wakes this.
    const wake = yield* Deferred.make<void>()
    more = wake
    const isWritten = yield* Effect.retry(writeGroup, Schedule.spaced(limits.noteRetryInterval))
    if (!isWritten) yield* Deferred.await(wake)
  })
  yield* Effect.addFinalizer(() =>
    writeGroup.pipe(
      Effect.repeat({ while: (isWritten) => isWritten }),
      Effect.timeout(limits.notesLeaveMax),
      Effect.catch(() => Effect.logWarning(`${queue.count} reports and events could not be kept before the end`)),
      Effect.andThen(Clock.currentTimeMillis),
      Effect.flatMap((now) => Effect.promise(() => thread.close(now)))
    )
  )
  yield* writeNotes.pipe(Effect.repeat(Schedule.forever), Effect.forkScoped)

  const retain = Effect.gen(function* () {
    const chosen = yield* bounds
    for (let round = 0; round < limits.retentionRoundsMax; round++) {
      const { more: isMore, usedBytes } = yield* ask<"Retain">((nowMillis) => ({
        _tag: "Retain",
        nowMillis,
        bounds: chosen
      }))
      metrics.bytes.set(usedBytes)
      if (!isMore) return
    }
  }).pipe(Effect.catch(({ message }) => Effect.logDebug(`telemetry was not cut to its bounds: ${message}`)))
  yield* retain.pipe(Effect.delay(limits.retentionInterval), Effect.repeat(Schedule.forever), Effect.forkScoped)

  return TelemetryStore.of({
    take,
    note: <Kind extends OutboxKind>(agentId: AgentId, kind: Kind, report: OutboxReports[Kind]) =>
      offer([{ _tag: "Report", agentId, kind, report: JSON.stringify(report) }]),
    record: (events: ReadonlyArray<NewEvent>) => offer(events.map((event) => ({ _tag: "Event", event })))
  })
})
