/** Answers questions about health, metrics and events from all masters that keep some, within bounds. */
import type { EventRow, FleetPoint, HealthHistoryRow, MetricSeries } from "@nxmesh/protocol/model/TelemetryHistory"
import { Context, Data, Effect, Layer } from "effect"
import { Limits } from "../../Limits.ts"
import { type Merged, mergePages } from "../accessLogs/MergePages.ts"
import { type MissingMaster, TelemetryGather, TelemetryPeers } from "../TelemetryGather.ts"
import { TelemetryQueryFailed, TelemetrySql } from "../TelemetrySql.ts"
import { type FleetAsked, fleetPoints, fleetStatement, type FleetSums, sumsOf } from "./FleetTraffic.ts"
import {
  type EventsAsked,
  eventOf,
  eventsStatement,
  type HealthAsked,
  healthOf,
  healthStatement,
  type PlacedEvent,
  type PlacedHealth,
  type Statement
} from "./HistoryRows.ts"
import {
  answeredSeries,
  mergedSeries,
  type MetricsAsked,
  metricsStatement,
  stepped,
  type SteppedSeries
} from "./MetricHistory.ts"

/** `TooMuch`: narrow the question, as the message says. `Unavailable`: ask later. */
export class HistoryFailed extends Data.TaggedError("HistoryFailed")<{
  readonly reason: "TooMuch" | "Unavailable"
  readonly message: string
}> {}

export interface HistoryPage<Row> {
  readonly rows: ReadonlyArray<Row>
  readonly next: string | null
  readonly missing: ReadonlyArray<MissingMaster>
}

export interface HistorySeries<A> {
  readonly series: ReadonlyArray<A>
  readonly missing: ReadonlyArray<MissingMaster>
}

const { metricRowsMax, queryTimeoutMillis } = Limits.telemetry
const tags = { health: "health_page", events: "events_page", metrics: "metrics", fleet: "fleet" } as const

const tooMuch = "there is too much to read for this answer"

const failureOf = ({ message, reason }: TelemetryQueryFailed): HistoryFailed =>
  reason === "TimedOut"
    ? new HistoryFailed({
        reason: "TooMuch",
        message: `Narrow the question (from, to, step, name_prefix, workspace_id): ${message}`
      })
    : new HistoryFailed({ reason: "Unavailable", message: `What the fleet told cannot be read: ${message}` })

export class TelemetryHistory extends Context.Service<
  TelemetryHistory,
  {
    readonly health: (asked: HealthAsked) => Effect.Effect<HistoryPage<HealthHistoryRow>, HistoryFailed>
    readonly events: (asked: EventsAsked) => Effect.Effect<HistoryPage<EventRow>, HistoryFailed>
    readonly metrics: (asked: MetricsAsked) => Effect.Effect<HistorySeries<MetricSeries>, HistoryFailed>
    readonly fleet: (asked: FleetAsked) => Effect.Effect<HistorySeries<FleetPoint>, HistoryFailed>
  }
>()("@nxmesh/master/telemetry/history/TelemetryHistory") {
  static readonly layer = Layer.effect(
    TelemetryHistory,
    Effect.gen(function* () {
      const gather = yield* TelemetryGather
      const { self } = yield* TelemetryPeers
      const { dialect, query } = yield* TelemetrySql
      // A store that all masters share has no master.
      const master = dialect === "postgres" ? "" : self
      const run = ({ parameters, text }: Statement, rowsMax: number) =>
        query(text, parameters, { rowsMax, timeoutMillis: queryTimeoutMillis })
      const ask = <Asked extends object>(tag: string, asked: Asked) =>
        Effect.mapError(gather.ask({ _tag: tag, ...asked }), failureOf)

      const answerMetrics = (asked: MetricsAsked) =>
        Effect.flatMap(run(metricsStatement(asked, metricRowsMax), metricRowsMax + 1), (rows) =>
          rows.length > metricRowsMax
            ? Effect.fail(new TelemetryQueryFailed({ reason: "TimedOut", message: tooMuch }))
            : Effect.succeed(stepped(rows, asked.stepMillis))
        )

      // Masters know each other by their certificates: what they ask is what this code asks.
      yield* gather.answer(tags.health, (question) => {
        const asked = question as HealthAsked
        return Effect.map(run(healthStatement(asked, master), asked.limit), (rows) =>
          rows.map((row) => healthOf(row, master))
        )
      })
      yield* gather.answer(tags.events, (question) => {
        const asked = question as EventsAsked
        return Effect.map(run(eventsStatement(asked, master, dialect), asked.limit), (rows) =>
          rows.map((row) => eventOf(row, master))
        )
      })
      yield* gather.answer(tags.metrics, (question) => answerMetrics(question as MetricsAsked))
      yield* gather.answer(tags.fleet, (question) =>
        Effect.map(run(fleetStatement(question as FleetAsked, dialect), 10_000), (rows) => rows.map(sumsOf))
      )

      const page = <Row>(
        answers: ReadonlyArray<{ readonly answer: unknown }>,
        merge: (pages: ReadonlyArray<unknown>) => Merged<{ readonly row: Row }>,
        missing: ReadonlyArray<MissingMaster>
      ): HistoryPage<Row> => {
        const { next, rows } = merge(answers.map(({ answer }) => answer))
        return { rows: rows.map(({ row }) => row), next, missing }
      }
      return TelemetryHistory.of({
        health: Effect.fn("TelemetryHistory.health")(function* (asked) {
          const { answers, missing } = yield* ask(tags.health, asked)
          return page(
            answers,
            (pages) => mergePages(pages as ReadonlyArray<ReadonlyArray<PlacedHealth>>, asked.limit),
            missing
          )
        }),
        events: Effect.fn("TelemetryHistory.events")(function* (asked) {
          const { answers, missing } = yield* ask(tags.events, asked)
          return page(
            answers,
            (pages) => mergePages(pages as ReadonlyArray<ReadonlyArray<PlacedEvent>>, asked.limit),
            missing
          )
        }),
        metrics: Effect.fn("TelemetryHistory.metrics")(function* (asked) {
          const { answers, missing } = yield* ask(tags.metrics, asked)
          const series = mergedSeries(answers.map(({ answer }) => answer as ReadonlyArray<SteppedSeries>))
          return { series: series.map((one) => answeredSeries(one, asked)), missing }
        }),
        fleet: Effect.fn("TelemetryHistory.fleet")(function* (asked) {
          const { answers, missing } = yield* ask(tags.fleet, asked)
          const sums = answers.map(({ answer }) => answer as ReadonlyArray<FleetSums>)
          return { series: fleetPoints(sums, asked.stepMillis), missing }
        })
      })
    })
  )
}
