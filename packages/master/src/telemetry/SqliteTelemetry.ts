/** The store in a file of its own in the data directory, written by a thread of its own. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind, OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Clock, Duration, Effect, FiberSet, Layer, Schedule } from "effect"
import { join } from "node:path"
import { Warnings } from "../cluster/Warnings.ts"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import type { RequestOf, TelemetryAnswers, TelemetryRequest } from "./TelemetryMessage.ts"
import { telemetryMetrics } from "./TelemetryMetrics.ts"
import { TelemetryStore, TelemetryUnavailable } from "./TelemetryStore.ts"
import { TelemetryThread } from "./TelemetryThread.ts"

const { telemetry: limits } = Limits

const charactersOf = ({ entries }: OutboxBatch): number => entries.reduce((sum, { report }) => sum + report.length, 0)

export const layerSqliteTelemetry = Layer.effect(
  TelemetryStore,
  Effect.gen(function* () {
    const { path } = yield* DataDirectory
    const { telemetryKept, telemetryMegabytesMax } = yield* Settings
    const metrics = yield* telemetryMetrics.pipe(Effect.provideService(Metrics, yield* Metrics))
    const warn = yield* (yield* Warnings).keep("telemetry")
    const thread = new TelemetryThread(join(path, "telemetry.db"))
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.promise(() => thread.close(now)))
    )
    const notes = yield* FiberSet.make<void>()
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
          catch: (cause) =>
            new TelemetryUnavailable({ message: cause instanceof Error ? cause.message : String(cause) })
        })
      }).pipe(
        Effect.tap(() => works(true, "")),
        Effect.tapError(({ message }) => {
          metrics.failures.inc()
          return works(false, message)
        }),
        Effect.timeoutOrElse({
          duration: limits.answerTimeout,
          orElse: () =>
            Effect.fail(new TelemetryUnavailable({ message: "the store is slow: it did not answer in time" }))
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

    const note = <Kind extends OutboxKind>(agentId: AgentId, kind: Kind, report: OutboxReports[Kind]) =>
      Effect.suspend(() => {
        if (thread.waiting >= limits.questionsWaitingMax) {
          metrics.dropped.inc()
          return Effect.void
        }
        const write = ask<"Note">((nowMillis) => ({
          _tag: "Note",
          agentId,
          kind,
          report: JSON.stringify(report),
          nowMillis
        })).pipe(
          Effect.map((rows) => metrics.rows.inc(rows)),
          Effect.catch(() => Effect.sync(() => metrics.dropped.inc()))
        )
        return Effect.asVoid(FiberSet.run(notes, write))
      })

    const bounds = { bytesMax: telemetryMegabytesMax * 1_048_576, ageMaxMillis: Duration.toMillis(telemetryKept) }
    const retain = Effect.gen(function* () {
      for (let round = 0; round < limits.retentionRoundsMax; round++) {
        const { more, usedBytes } = yield* ask<"Retain">((nowMillis) => ({ _tag: "Retain", nowMillis, bounds }))
        metrics.bytes.set(usedBytes)
        if (!more) return
      }
    }).pipe(Effect.catch(({ message }) => Effect.logDebug(`telemetry was not cut to its bounds: ${message}`)))
    yield* retain.pipe(Effect.delay(limits.retentionInterval), Effect.repeat(Schedule.forever), Effect.forkScoped)

    return TelemetryStore.of({
      take,
      note,
      read: (query) => ask<"Read">(() => ({ _tag: "Read", query }))
    })
  })
)
