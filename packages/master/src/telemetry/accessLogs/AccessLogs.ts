/**
 * Answers questions about logs from all masters: each asks its own store, whoever was asked puts the answers together. A question
 * carries the agents that may be seen, so that lines of others are never read.
 */
import type { AccessLogGroup, AccessLogRow, ErrorLogRow } from "@nxmesh/protocol/model/AccessLogRow"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Context, Data, Effect, Layer } from "effect"
import { NodeIdentity } from "../../consensus/NodeIdentity.ts"
import { Limits } from "../../Limits.ts"
import { type Gathered, type MissingMaster, TelemetryGather } from "../TelemetryGather.ts"
import { TelemetryQueryFailed, TelemetrySql } from "../TelemetrySql.ts"
import {
  type AggregateAsked,
  aggregateSql,
  mergedGroups,
  type PartialGroup,
  partialOf
} from "./AccessLogAggregateSql.ts"
import type { TimeRange } from "./AccessLogFilter.ts"
import { type PageAsked, type PageBounds, pageSql, type PlacedRow, rowOf, walksOf } from "./AccessLogPageSql.ts"
import { type TooMuch, tooMuchOf, whatToNarrow } from "./CostGuard.ts"
import { errorPageSql, type ErrorPageAsked, errorRowOf, errorScanEnd, type PlacedErrorRow } from "./ErrorLogSql.ts"
import { scanEnd, type Sql, walkOf } from "./FilterSql.ts"
import { mergePages, type Placed } from "./MergePages.ts"

/** `TooMuch`: narrow the question. `Unavailable`: ask later. */
export class LogsFailed extends Data.TaggedError("LogsFailed")<{
  readonly reason: "TooMuch" | "Unavailable"
  readonly message: string
  readonly details: ReadonlyArray<ErrorDetail>
}> {}

export interface LogPage<Row> {
  readonly rows: ReadonlyArray<Row>
  readonly next: string | null
  readonly missing: ReadonlyArray<MissingMaster>
}

export interface LogAggregate {
  readonly groups: ReadonlyArray<AccessLogGroup>
  readonly truncated: boolean
  readonly missing: ReadonlyArray<MissingMaster>
}

/** One master's answer; JSON. */
type Answer<A> = { readonly found: A } | { readonly tooMuch: TooMuch }

const tags = { page: "access_logs_page", aggregate: "access_logs_aggregate", errors: "error_logs_page" } as const
const { aggregateScanMax, answerMillisMax, pageScanMax } = Limits.accessLogs

const failureOf = ({ message, reason }: TelemetryQueryFailed): LogsFailed =>
  reason === "TimedOut"
    ? new LogsFailed({
        reason: "TooMuch",
        message: "The question takes too long: narrow its time, or name an agent_id, a host or a request_id",
        details: []
      })
    : new LogsFailed({ reason: "Unavailable", message: `The logs cannot be read: ${message}`, details: [] })

export class AccessLogs extends Context.Service<
  AccessLogs,
  {
    readonly page: (asked: PageAsked) => Effect.Effect<LogPage<AccessLogRow>, LogsFailed>
    readonly errors: (asked: ErrorPageAsked) => Effect.Effect<LogPage<ErrorLogRow>, LogsFailed>
    readonly aggregate: (asked: AggregateAsked) => Effect.Effect<LogAggregate, LogsFailed>
  }
>()("@nxmesh/master/telemetry/accessLogs/AccessLogs") {
  static readonly layer = Layer.effect(
    AccessLogs,
    Effect.gen(function* () {
      const { nodeId: master } = yield* NodeIdentity
      const gather = yield* TelemetryGather
      const { dialect, query } = yield* TelemetrySql
      // A store that all masters share has no master.
      const bounds: PageBounds = { dialect, master: dialect === "postgres" ? "" : master, scanMax: pageScanMax }
      const run = ({ parameters, text }: Sql, rowsMax: number) =>
        query(text, parameters, { rowsMax, timeoutMillis: answerMillisMax })
      const endOf = (sql: Sql, by: TooMuch["by"]) =>
        Effect.map(run(sql, 1), ([row]): ReadonlyArray<TooMuch> =>
          row === undefined ? [] : [{ by, atMillis: Number(row["at"]) }]
        )

      /** Fewer than asked for are all there are, unless there was more to look at than allowed. */
      const answerPage = Effect.fnUntraced(function* (
        asked: PageAsked
      ): Effect.fn.Return<Answer<ReadonlyArray<PlacedRow>>, TelemetryQueryFailed> {
        const rows = yield* run(pageSql(asked, bounds), asked.limit)
        if (rows.length < asked.limit) {
          const { scanMax, walks } = walksOf(asked, bounds)
          const open = walks.filter(({ residual }) => residual.length > 0)
          const ends = yield* Effect.forEach(open, (walk) => endOf(scanEnd(walk, dialect, scanMax), walk.by))
          const tooMuch = tooMuchOf(ends.flat())
          if (tooMuch !== null) return { tooMuch }
        }
        return { found: rows.map((row) => rowOf(row, bounds.master)) }
      })

      const answerErrors = Effect.fnUntraced(function* (
        asked: ErrorPageAsked
      ): Effect.fn.Return<Answer<ReadonlyArray<PlacedErrorRow>>, TelemetryQueryFailed> {
        const rows = yield* run(errorPageSql(asked, bounds), asked.limit)
        const end = rows.length < asked.limit ? errorScanEnd(asked, bounds) : null
        const tooMuch = end === null ? null : tooMuchOf(yield* endOf(end, "agent_id"))
        return tooMuch === null ? { found: rows.map((row) => errorRowOf(row, bounds.master)) } : { tooMuch }
      })

      const answerAggregate = Effect.fnUntraced(function* (
        asked: AggregateAsked
      ): Effect.fn.Return<Answer<ReadonlyArray<PartialGroup>>, TelemetryQueryFailed> {
        const walk = walkOf(asked.filter, dialect)
        const tooMuch = tooMuchOf(yield* endOf(scanEnd(walk, dialect, aggregateScanMax), walk.by))
        if (tooMuch !== null) return { tooMuch }
        const rows = yield* run(aggregateSql(asked, dialect), Limits.accessLogs.partialGroupsMax)
        return { found: rows.map((row) => partialOf(row, asked)) }
      })

      // Masters know each other by their certificates: what they ask is what this code asks.
      yield* gather.answer(tags.page, (question) => answerPage(question as PageAsked))
      yield* gather.answer(tags.errors, (question) => answerErrors(question as ErrorPageAsked))
      yield* gather.answer(tags.aggregate, (question) => answerAggregate(question as AggregateAsked))

      const foundIn = <A>({ answers }: Gathered, range: TimeRange, linesMax: number) => {
        const told = answers.map(({ answer }) => answer as Answer<A>)
        const tooMuch = tooMuchOf(told.flatMap((answer) => ("tooMuch" in answer ? [answer.tooMuch] : [])))
        return tooMuch === null
          ? Effect.succeed(told.flatMap((answer) => ("found" in answer ? [answer.found] : [])))
          : Effect.fail(new LogsFailed({ reason: "TooMuch", ...whatToNarrow(tooMuch, range, linesMax) }))
      }
      const pageOf = <Row>(tag: string, asked: { readonly filter: TimeRange; readonly limit: number }) =>
        Effect.gen(function* () {
          const gathered = yield* gather.ask({ _tag: tag, ...asked }).pipe(Effect.mapError(failureOf))
          const pages = yield* foundIn<ReadonlyArray<Placed & { readonly row: Row }>>(
            gathered,
            asked.filter,
            pageScanMax
          )
          const { next, rows } = mergePages(pages, asked.limit)
          return { rows: rows.map(({ row }) => row), next, missing: gathered.missing }
        })

      return AccessLogs.of({
        page: Effect.fn("AccessLogs.page")((asked) => pageOf<AccessLogRow>(tags.page, asked)),
        errors: Effect.fn("AccessLogs.errors")((asked) => pageOf<ErrorLogRow>(tags.errors, asked)),
        aggregate: Effect.fn("AccessLogs.aggregate")(function* (asked) {
          const gathered = yield* gather.ask({ _tag: tags.aggregate, ...asked }).pipe(Effect.mapError(failureOf))
          const parts = yield* foundIn<ReadonlyArray<PartialGroup>>(gathered, asked.filter, aggregateScanMax)
          return { ...mergedGroups(parts.flat(), asked), missing: gathered.missing }
        })
      })
    })
  )
}
