/** Puts rows into Postgres, each kind by one statement (UNNEST), inside the transaction of whoever calls. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Result } from "effect"
import { hourMillis, type MetricPoint, minuteMillis, rolledUp } from "../MetricRollup.ts"
import type { SqlValue } from "../TelemetrySql.ts"
import { type Column, rollupColumns, type Table, tables, upsertRollup } from "../TelemetryTables.ts"
import { types } from "./PostgresClient.ts"

const arrayTypes = {
  text: { name: "text[]", oid: PgTypes.OID.text },
  integer: { name: "bigint[]", oid: PgTypes.OID.int8 },
  real: { name: "double precision[]", oid: PgTypes.OID.float8 }
} as const

/** Values of one type, as a parameter. */
export const arrayOf = (type: Column["type"], values: ReadonlyArray<SqlValue>) =>
  Result.getOrThrow(PgTypes.array(values, arrayTypes[type].oid, types))

/** `unnest($1::bigint[], …)`. */
export const unnest = (columns: ReadonlyArray<Pick<Column, "type">>): string =>
  `unnest(${columns.map(({ type }, index) => `$${index + 1}::${arrayTypes[type].name}`).join(", ")})`

/** One array for each column of the rows. */
export const columnsOf = (columns: ReadonlyArray<Pick<Column, "type">>, rows: ReadonlyArray<ReadonlyArray<SqlValue>>) =>
  columns.map(({ type }, index) =>
    arrayOf(
      type,
      rows.map((row) => row[index] ?? null)
    )
  )

export type Rows = ReadonlyArray<ReadonlyArray<SqlValue>>

const insertInto = ({ columns, name }: Table): string =>
  `INSERT INTO ${name} (${columns.map((column) => column.name).join(", ")}) SELECT * FROM ${unnest(columns)} ON CONFLICT DO NOTHING`

const counted = (statement: string): string =>
  `WITH kept AS (${statement} RETURNING 1) SELECT count(*)::bigint AS count FROM kept`

/** How many of them are kept. */
export const insertRows = (sql: PgClient.PgClient, table: Table, rows: Rows) =>
  rows.length === 0
    ? Effect.succeed(0)
    : Effect.map(
        sql.unsafe<{ count: number }>(counted(insertInto(table)), columnsOf(table.columns, rows)),
        ([row]) => row?.count ?? 0
      )

const upserts = [
  {
    stepMillis: minuteMillis,
    statement: upsertRollup("metrics_minute", `SELECT * FROM ${unnest(rollupColumns)}`, "postgres")
  },
  {
    stepMillis: hourMillis,
    statement: upsertRollup("metrics_hour", `SELECT * FROM ${unnest(rollupColumns)}`, "postgres")
  }
]

/** Samples with their rollups: a sample that is there already changes none. `rows` are of the table `metrics`. */
export const insertSamples = Effect.fnUntraced(function* (sql: PgClient.PgClient, rows: Rows) {
  if (rows.length === 0) return 0
  const kept = yield* sql.unsafe<{ series: number; at: number; value: number }>(
    `${insertInto(tables.metrics)} RETURNING series, at, value`,
    columnsOf(tables.metrics.columns, rows)
  )
  const points = new Map<number, Array<MetricPoint>>()
  for (const { at, series, value } of kept) {
    const of = points.get(series) ?? []
    of.push({ atMillis: at, value })
    points.set(series, of)
  }
  if (points.size === 0) return 0
  // In one order on every master: two that write of the same wait for each other, and never both.
  const ordered = [...points].sort(([a], [b]) => a - b)
  for (const { statement, stepMillis } of upserts) {
    const rollups = ordered.flatMap(([series, of]) =>
      [...rolledUp(of, stepMillis)]
        .sort(([a], [b]) => a - b)
        .map(([at, one]) => [
          ...[series, at, one.count, one.sum, one.min, one.max],
          ...[one.firstAt, one.first, one.lastAt, one.last]
        ])
    )
    yield* sql.unsafe(statement, columnsOf(rollupColumns, rollups))
  }
  return kept.length
})
