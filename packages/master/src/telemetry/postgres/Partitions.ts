/** The days of telemetry in Postgres: made ahead, dropped when they are too old or too much. */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Limits } from "../../Limits.ts"
import { kindToCut, type RetainedTable, type RetentionBounds, tablesOf } from "../Retention.ts"
import { type TelemetryKind, telemetryKinds } from "../TelemetryStore.ts"
import type { TelemetryAnswers } from "../TelemetryMessage.ts"
import { schemaName } from "./PostgresClient.ts"
import { oneMaster, partitioned } from "./PostgresSchema.ts"

const { telemetry: limits } = Limits

export const dayMillis = 86_400_000
export const dayOf = (millis: number): number => Math.floor(millis / dayMillis)

/** `health_d20513`: days since 1970, so that names sort and need no calendar. Pure. */
export const partitionName = (table: string, day: number): string => `${table}_d${day}`
export const dayInName = (table: string, name: string): number | null => {
  const digits = name.startsWith(`${table}_d`) ? name.slice(table.length + 2) : ""
  return /^\d{1,7}$/.test(digits) ? Number(digits) : null
}

interface Relation {
  readonly name: string
  readonly bytes: number
}

const relations = (sql: PgClient.PgClient) =>
  sql.unsafe<Relation>(
    `SELECT c.relname AS name, pg_total_relation_size(c.oid)::bigint AS bytes FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${schemaName}' AND c.relkind IN ('r', 'p')`
  )

/** Rows that came for this day before its partition was there are moved into it. */
const addDay = (sql: PgClient.PgClient, table: string, day: number) => {
  const name = partitionName(table, day)
  const range = `at >= ${day * dayMillis} AND at < ${(day + 1) * dayMillis}`
  const statements = [
    `CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)`,
    `WITH moved AS (DELETE FROM ${table}_other WHERE ${range} RETURNING *) INSERT INTO ${name} SELECT * FROM moved`,
    `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${day * dayMillis}) TO (${(day + 1) * dayMillis})`
  ]
  return Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true })
}

/** Yesterday, today and the days ahead. */
export const ensurePartitions = (sql: PgClient.PgClient, nowMillis: number) =>
  sql.withTransaction(
    Effect.gen(function* () {
      yield* sql.unsafe(oneMaster)
      const there = new Set((yield* relations(sql)).map(({ name }) => name))
      const today = dayOf(nowMillis)
      for (let day = today - 1; day <= today + limits.partitionsAhead; day++) {
        for (const table of partitioned) {
          if (!there.has(partitionName(table, day))) yield* addDay(sql, table, day)
        }
      }
    })
  )

const kindOf = (relation: string): TelemetryKind | null =>
  telemetryKinds.find((kind) =>
    tablesOf[kind].some(
      (table) => relation === table || relation === `${table}_other` || dayInName(table, relation) !== null
    )
  ) ?? null

const bytesByKind = (all: ReadonlyArray<Relation>): Record<TelemetryKind, number> => {
  const bytes: Record<TelemetryKind, number> = { health: 0, metrics: 0, access_logs: 0, error_logs: 0, events: 0 }
  for (const { bytes: size, name } of all) {
    const kind = kindOf(name)
    if (kind !== null) bytes[kind] += size
  }
  return bytes
}

/** The partitions that hold nothing young enough to be kept. Pure. */
export const expired = (
  names: ReadonlyArray<string>,
  nowMillis: number,
  keptMillis: RetentionBounds["keptMillis"]
): ReadonlyArray<string> =>
  partitioned.flatMap((table) =>
    names.filter((name) => {
      const day = dayInName(table, name)
      return day !== null && (day + 1) * dayMillis <= nowMillis - keptMillis[table]
    })
  )

/** The oldest day of a kind but today's, the finest table first; `null`: nothing can go. Pure. */
export const oldestOf = (kind: TelemetryKind, names: ReadonlyArray<string>, today: number): string | null => {
  for (const table of tablesOf[kind]) {
    const days = names.flatMap((name) => dayInName(table, name) ?? []).filter((day) => day < today)
    if (days.length > 0) return partitionName(table, Math.min(...days))
  }
  return null
}

const removeOld = (sql: PgClient.PgClient, table: string, beforeMillis: number) =>
  Effect.map(
    sql.unsafe<{ count: number }>(
      `WITH gone AS (DELETE FROM ${table} WHERE ctid IN
         (SELECT ctid FROM ${table} WHERE at < ${Math.floor(beforeMillis)} LIMIT ${limits.rowsRemovedTogether}) RETURNING 1)
       SELECT count(*)::bigint AS count FROM gone`
    ),
    ([row]) => (row?.count ?? 0) >= limits.rowsRemovedTogether
  )

/** One master at a time; the others have nothing to do meanwhile. */
export const retainPartitions = (sql: PgClient.PgClient, nowMillis: number, bounds: RetentionBounds) =>
  sql.withTransaction(
    Effect.gen(function* () {
      const [lock] = yield* sql.unsafe<{ locked: boolean }>(
        `SELECT pg_try_advisory_xact_lock(${limits.advisoryLock}) AS locked`
      )
      const all = yield* relations(sql)
      const bytes = bytesByKind(all)
      const usedBytes = telemetryKinds.reduce((sum, kind) => sum + bytes[kind], 0)
      const answer = (more: boolean): TelemetryAnswers["Retain"] => ({ more, usedBytes })
      if (lock?.locked !== true) return answer(false)
      const names = all.map(({ name }) => name)
      const old = expired(names, nowMillis, bounds.keptMillis)
      for (const name of old) yield* sql.unsafe(`DROP TABLE ${name}`)
      const others: ReadonlyArray<readonly [string, RetainedTable]> = [
        ["metrics_hour", "metrics_hour"],
        ...partitioned.map((table) => [`${table}_other`, table] as const)
      ]
      const left = yield* Effect.forEach(others, ([name, table]) =>
        removeOld(sql, name, nowMillis - bounds.keptMillis[table])
      )
      const kind = kindToCut(bytes, bounds.bytesMax)
      const cut = kind === null || old.length > 0 ? null : oldestOf(kind, names, dayOf(nowMillis))
      if (cut !== null) yield* sql.unsafe(`DROP TABLE ${cut}`)
      return answer(cut !== null || left.some(Boolean))
    })
  )
