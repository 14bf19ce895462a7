/** What both stores have to give: the lines that the predicate takes, in order, page by page, and their sums. */
import type { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import type { AccessLogDimension } from "@nxmesh/protocol/model/AccessLogQuery"
import {
  type AggregateAsked,
  aggregateSql,
  mergedGroups,
  partialOf
} from "../../../src/telemetry/accessLogs/AccessLogAggregateSql.ts"
import { matches } from "../../../src/telemetry/accessLogs/AccessLogFilter.ts"
import { pageSql, type PlacedRow, rowOf } from "../../../src/telemetry/accessLogs/AccessLogPageSql.ts"
import type { Sql } from "../../../src/telemetry/accessLogs/FilterSql.ts"
import type { SqlRow, TelemetryDialect } from "../../../src/telemetry/TelemetrySql.ts"
import { expect } from "vitest"
import { type RandomLine, randomFilter } from "./RandomLines.ts"

export type Run = (sql: Sql) => Promise<ReadonlyArray<SqlRow>>

/** Lines are numbered from 1 in the order given. */
export const expectPages = async (
  run: Run,
  dialect: TelemetryDialect,
  lines: ReadonlyArray<RandomLine>,
  random: SeededRandom
): Promise<number> => {
  const filter = randomFilter(random)
  const expected = lines
    .map((line, index) => ({ ...line, id: index + 1 }))
    .filter(({ atMillis }) => atMillis >= filter.fromMillis && atMillis < filter.toMillis)
    .filter((line) => matches(filter, line))
    .toSorted((left, right) => right.atMillis - left.atMillis || right.id - left.id)
  const limit = random.between(1, 40)
  const found: Array<PlacedRow> = []
  for (;;) {
    const after = found.at(-1)?.place ?? null
    const sql = pageSql({ filter, after, limit }, { dialect, master: "", scanMax: 1_000_000 })
    const page = (await run(sql)).map((row) => rowOf(row, ""))
    found.push(...page)
    if (page.length < limit) break
  }
  expect(
    found.map(({ place }) => place.id),
    JSON.stringify(filter)
  ).toEqual(expected.map(({ id }) => id))
  return found.length
}

const countedBy = (lines: ReadonlyArray<RandomLine>, of: (line: RandomLine) => string) => {
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(of(line), (counts.get(of(line)) ?? 0) + 1)
  return counts
}

export const expectAggregates = async (
  run: Run,
  dialect: TelemetryDialect,
  lines: ReadonlyArray<RandomLine>,
  random: SeededRandom
): Promise<void> => {
  const filter = randomFilter(random)
  const fitting = lines.filter(
    (line) => line.atMillis >= filter.fromMillis && line.atMillis < filter.toMillis && matches(filter, line)
  )
  const dimensions: ReadonlyArray<AccessLogDimension> = random.chance(50) ? ["host", "status"] : []
  const asked: AggregateAsked = { filter, dimensions, bucketSeconds: random.chance(50) ? 10 : null, limit: 1_000 }
  const parts = (await run(aggregateSql(asked, dialect))).map((row) => partialOf(row, asked))
  const { groups, truncated } = mergedGroups(parts, asked)
  expect(truncated).toBe(false)
  const keyed = new Map(
    groups.map(({ bucket, count, key }) => [
      [bucket === undefined ? "" : Date.parse(bucket), ...dimensions.map((name) => key[name])].join("|"),
      count
    ])
  )
  expect(keyed, JSON.stringify(asked)).toEqual(
    countedBy(fitting, ({ atMillis, columns }) =>
      [
        asked.bucketSeconds === null ? "" : atMillis - (atMillis % 10_000),
        ...(dimensions.length === 0 ? [] : [columns.host, columns.status])
      ].join("|")
    )
  )
  const sum = (of: (line: RandomLine) => number) => fitting.reduce((total, line) => total + of(line), 0)
  expect(groups.reduce((total, { bytes }) => total + bytes, 0)).toBe(sum(({ columns }) => Number(columns.bytes)))
  const failed = sum(({ columns }) => (Number(columns.status) >= 500 ? 1 : 0))
  expect(groups.reduce((total, { count, error_rate }) => total + count * error_rate, 0)).toBeCloseTo(failed)
}
