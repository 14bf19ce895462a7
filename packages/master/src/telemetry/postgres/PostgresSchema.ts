/**
 * The tables of telemetry in Postgres, and how they come to be. Masters that start at once do it one after the other. What grows is
 * partitioned by the day of `at`, so that old days go by dropping a table; what belongs to no day's partition is in `…_other`.
 */
import type { PgClient } from "@effect/sql-pg"
import { Data, Effect } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { Limits } from "../../Limits.ts"
import type { RetainedTable } from "../Retention.ts"
import { type Column, type Table, tables } from "../TelemetryTables.ts"
import { schemaName } from "./PostgresClient.ts"

/** The database was written by a newer NxMesh, or cannot be used otherwise. */
export class PostgresUnusable extends Data.TaggedError("PostgresUnusable")<{ readonly message: string }> {}

const typeNames = { text: "text", integer: "bigint", real: "double precision" } as const

const columnText = ({ isOptional = false, name, type }: Column): string =>
  `${name} ${typeNames[type]}${isOptional ? "" : " NOT NULL"}`

/** An hour's rows are few, and are kept for years. */
export const partitioned = (Object.keys(tables) as ReadonlyArray<RetainedTable>).filter(
  (name) => name !== "metrics_hour"
)

const createTable = ({ columns, hasId, indexes, name, unique }: Table): ReadonlyArray<string> => {
  const isPartitioned = (partitioned as ReadonlyArray<string>).includes(name)
  const parts = [
    ...(hasId ? [`id bigint NOT NULL DEFAULT nextval('${schemaName}.telemetry_ids')`] : []),
    ...columns.map(columnText),
    ...(unique === null ? [] : [`PRIMARY KEY (${unique})`])
  ]
  return [
    `CREATE TABLE ${name} (${parts.join(", ")})${isPartitioned ? " PARTITION BY RANGE (at)" : ""}`,
    ...(isPartitioned ? [`CREATE TABLE ${name}_other PARTITION OF ${name} DEFAULT`] : []),
    ...indexes.map((index) => {
      // A page goes on behind the last row's time and id.
      const ending = hasId && index.where === undefined ? ", id" : ""
      const where = index.where === undefined ? "" : ` WHERE ${index.where}`
      return `CREATE INDEX ${index.name} ON ${name} (${index.columns}${ending})${where}`
    })
  ]
}

/** By version, from 1 on. A step that was released is never changed. */
export const steps: ReadonlyArray<ReadonlyArray<string>> = [
  [
    "CREATE SEQUENCE telemetry_ids",
    "CREATE TABLE agents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent_id text NOT NULL UNIQUE)",
    `CREATE TABLE positions (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent bigint NOT NULL, outbox_id text NOT NULL,
       sequence bigint NOT NULL, dropped bigint NOT NULL, seen bigint NOT NULL, UNIQUE (agent, outbox_id))`,
    "CREATE TABLE writers (writer text PRIMARY KEY, sequence bigint NOT NULL, seen bigint NOT NULL)",
    `CREATE TABLE metric_series (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent bigint NOT NULL, name text NOT NULL,
       labels text NOT NULL, UNIQUE (agent, name, labels))`,
    ...Object.values(tables).flatMap(createTable)
  ]
]

/** One after the other among all masters, until the transaction ends. */
export const oneMaster = `SELECT pg_advisory_xact_lock(${Limits.telemetry.advisoryLock}) IS NULL AS locked`

/** Brings the schema to what this version knows. */
export const migrate = (sql: PgClient.PgClient): Effect.Effect<void, SqlError | PostgresUnusable> =>
  sql.withTransaction(
    Effect.gen(function* () {
      yield* sql.unsafe(oneMaster)
      yield* sql.unsafe(`CREATE SCHEMA IF NOT EXISTS ${schemaName}`)
      yield* sql.unsafe("CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY)")
      const [row] = yield* sql.unsafe<{ version: number }>(
        "SELECT coalesce(max(version), 0)::bigint AS version FROM schema_version"
      )
      const version = row?.version ?? 0
      if (version > steps.length) {
        return yield* new PostgresUnusable({
          message: `its tables are of version ${version}, and this NxMesh knows ${steps.length}: update this master`
        })
      }
      for (const [index, statements] of steps.slice(version).entries()) {
        for (const statement of statements) yield* sql.unsafe(statement)
        yield* sql.unsafe(`INSERT INTO schema_version VALUES (${version + index + 1})`)
      }
    })
  )
