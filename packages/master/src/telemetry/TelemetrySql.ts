/**
 * Questions to what is kept, in SQL, for whoever knows a kind's columns (telemetry/*). Read-only, bounded, and never on the
 * thread that takes in: a slow question delays no agent.
 */
import { Context, Data, type Effect } from "effect"

export type SqlValue = string | number | null
export type SqlRow = Readonly<Record<string, SqlValue>>

/**
 * `Unavailable`: the store cannot be asked now. `TimedOut`: the question takes too long, so it should be narrowed. `Refused`:
 * the store does not understand it, which is a defect of who wrote it.
 */
export class TelemetryQueryFailed extends Data.TaggedError("TelemetryQueryFailed")<{
  readonly reason: "Unavailable" | "TimedOut" | "Refused"
  readonly message: string
}> {}

export interface QueryBounds {
  /** What the store answers beyond is left out: the question's own LIMIT should be at most this. */
  readonly rowsMax: number
  readonly timeoutMillis: number
}

export type TelemetryDialect = "sqlite" | "postgres"

export class TelemetrySql extends Context.Service<
  TelemetrySql,
  {
    readonly dialect: TelemetryDialect
    /**
     * One SELECT. Its parameters are `?` in both dialects, so that it holds no other question mark. Integers of 64 bits are
     * numbers; what Postgres calls numeric has to be cast.
     */
    readonly query: (
      sql: string,
      parameters: ReadonlyArray<SqlValue>,
      bounds: QueryBounds
    ) => Effect.Effect<ReadonlyArray<SqlRow>, TelemetryQueryFailed>
  }
>()("@nxmesh/master/telemetry/TelemetrySql") {}

/** `?` as Postgres wants them: `$1`, `$2`, … Pure. */
export const numberedParameters = (sql: string): string => {
  let count = 0
  return sql.replaceAll("?", () => `$${++count}`)
}
