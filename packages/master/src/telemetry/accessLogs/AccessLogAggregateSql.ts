/**
 * What lines amount to, as SQL: counts by group and bucket of latency in one pass, then the groups with the most requests, each
 * with its buckets as one JSON text. Such parts of many masters add up. Pure.
 */
import type { AccessLogGroup } from "@nxmesh/protocol/model/AccessLogRow"
import type { AccessLogDimension } from "@nxmesh/protocol/model/AccessLogQuery"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { SqlRow, TelemetryDialect } from "../TelemetrySql.ts"
import type { AccessLogFilter } from "./AccessLogFilter.ts"
import { isoOf } from "./AccessLogPageSql.ts"
import { textOfDigits } from "./ClientAddress.ts"
import { all, sql, type Sql, tableOf, walkOf } from "./FilterSql.ts"
import { type LatencyCounts, mergeCounts, percentileMicros } from "./LatencyBuckets.ts"

export interface AggregateAsked {
  readonly filter: AccessLogFilter
  readonly dimensions: ReadonlyArray<AccessLogDimension>
  readonly bucketSeconds: number | null
  readonly limit: number
}

/** Texts of both stores, so that keys of all masters compare. */
const keySql: Readonly<Record<AccessLogDimension, string>> = {
  agent_id: "(SELECT a.agent_id FROM agents a WHERE a.id = t.agent)",
  host: "t.host",
  method: "t.method",
  path: "t.path",
  protocol: "t.protocol",
  status: "CAST(t.status AS text)",
  status_class: "CAST(t.status / 100 AS text)",
  remote_addr: "coalesce(t.address, t.address_text)",
  user_agent: "t.user_agent",
  referer: "t.referer",
  virtual_host_id: "t.virtual_host_id",
  location: "t.location",
  upstream_addr: "t.upstream_addr"
}

/** Of two masters each knows its own greatest groups: a few more than asked for, and the sum's greatest are among them. */
const groupsOf = (limit: number): number => Math.min(2 * limit + 1, 2 * ProtocolLimits.logGroupsMax)

export const aggregateSql = (asked: AggregateAsked, dialect: TelemetryDialect): Sql => {
  const walk = walkOf(asked.filter, dialect)
  const condition = all([walk.bounds, ...walk.residual])
  const bucketMillis = (asked.bucketSeconds ?? 0) * 1_000
  const keys = [
    ...asked.dimensions.map((dimension, index) => ({ name: `k${index}`, of: keySql[dimension] })),
    // Whole numbers in both stores; times before 1970 are nobody's.
    ...(asked.bucketSeconds === null ? [] : [{ name: "kt", of: `(t.at - t.at % ${bucketMillis})` }])
  ]
  const names = keys.map(({ name }) => name)
  const selected = keys.map(({ name, of }) => `${of} AS ${name}, `).join("")
  const listed = names.map((name) => `${name}, `).join("")
  const group = names.length === 0 ? "" : `GROUP BY ${names.join(", ")}`
  const [object, plain] = dialect === "sqlite" ? ["json_group_object", ""] : ["json_object_agg", "::text"]
  const number = dialect === "sqlite" ? "REAL" : "double precision"
  const newest = asked.bucketSeconds === null ? "" : "kt DESC, "
  const grouped = names.length === 0 ? "b" : `${names.join(", ")}, b`
  return sql(
    `WITH g AS (
       SELECT ${selected}coalesce(t.duration_bucket, -1) AS b, count(*) AS n,
         CAST(coalesce(sum(t.bytes), 0) AS ${number}) AS y, CAST(coalesce(sum(t.duration_us), 0) AS ${number}) AS d,
         sum(CASE WHEN t.status >= 500 THEN 1 ELSE 0 END) AS e
       FROM ${tableOf(walk, dialect)} WHERE ${condition.text} GROUP BY ${grouped}
     )
     SELECT ${listed}CAST(sum(n) AS ${number}) AS n, sum(y) AS y, sum(d) AS d, CAST(sum(e) AS ${number}) AS e,
       ${object}(b, n)${plain} AS buckets
     FROM g ${group} ORDER BY ${newest}sum(n) DESC${names.map((name) => `, ${name}`).join("")} LIMIT ${groupsOf(asked.limit)}`,
    ...condition.parameters
  )
}

/** One group of one master; JSON. */
export interface PartialGroup {
  readonly keys: ReadonlyArray<string | null>
  readonly bucketMillis: number | null
  readonly count: number
  readonly bytes: number
  readonly durationMicros: number
  readonly failed: number
  /** Requests by bucket of latency; -1 for those without one. */
  readonly buckets: Readonly<Record<string, number>>
}

export const partialOf = (row: SqlRow, { bucketSeconds, dimensions }: AggregateAsked): PartialGroup => ({
  keys: dimensions.map((_, index) => {
    const value = row[`k${index}`]
    return value === null || value === undefined ? null : String(value)
  }),
  bucketMillis: bucketSeconds === null ? null : Number(row["kt"]),
  count: Number(row["n"] ?? 0),
  bytes: Number(row["y"] ?? 0),
  durationMicros: Number(row["d"] ?? 0),
  failed: Number(row["e"] ?? 0),
  buckets: JSON.parse(String(row["buckets"] ?? "{}")) as Readonly<Record<string, number>>
})

interface Sum {
  readonly first: PartialGroup
  readonly count: number
  readonly bytes: number
  readonly durationMicros: number
  readonly failed: number
  readonly latencies: LatencyCounts
}

const latenciesOf = ({ buckets }: PartialGroup): LatencyCounts =>
  new Map(Object.entries(buckets).flatMap(([bucket, count]) => (bucket === "-1" ? [] : [[Number(bucket), count]])))

const added = (sum: Sum | undefined, part: PartialGroup): Sum => ({
  first: sum?.first ?? part,
  count: (sum?.count ?? 0) + part.count,
  bytes: (sum?.bytes ?? 0) + part.bytes,
  durationMicros: (sum?.durationMicros ?? 0) + part.durationMicros,
  failed: (sum?.failed ?? 0) + part.failed,
  latencies: sum === undefined ? latenciesOf(part) : mergeCounts(sum.latencies, latenciesOf(part))
})

const shown = (dimension: AccessLogDimension, value: string | null): string | null => {
  if (value === null) return null
  if (dimension === "status_class") return value === "0" ? "none" : `${value}xx`
  return dimension === "remote_addr" && /^(?:[0-9a-f]{8}|[0-9a-f]{32})$/.test(value) ? textOfDigits(value) : value
}

const latencyOf = ({ durationMicros, latencies }: Sum): AccessLogGroup["latency_ms"] => {
  const timed = latencies.values().reduce((count, one) => count + one, 0)
  if (timed === 0) return null
  const percentile = (share: number) => (percentileMicros(latencies, share) ?? 0) / 1_000
  return { avg: durationMicros / timed / 1_000, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) }
}

const groupOf = (sum: Sum, { dimensions }: AggregateAsked): AccessLogGroup => ({
  key: Object.fromEntries(
    dimensions.map((dimension, index) => [dimension, shown(dimension, sum.first.keys[index] ?? null)])
  ),
  ...(sum.first.bucketMillis === null ? {} : { bucket: isoOf(sum.first.bucketMillis) }),
  count: sum.count,
  bytes: sum.bytes,
  error_rate: sum.count === 0 ? 0 : sum.failed / sum.count,
  latency_ms: latencyOf(sum)
})

/** The groups of all masters together, those with the most requests; newest buckets first. */
export const mergedGroups = (
  parts: ReadonlyArray<PartialGroup>,
  asked: AggregateAsked
): { readonly groups: ReadonlyArray<AccessLogGroup>; readonly truncated: boolean } => {
  const sums = new Map<string, Sum>()
  for (const part of parts) {
    if (part.count === 0) continue // without dimensions, nothing is one group of nothing
    const key = JSON.stringify([part.bucketMillis, ...part.keys])
    sums.set(key, added(sums.get(key), part))
  }
  const sorted = [...sums.values()].toSorted(
    (left, right) => (right.first.bucketMillis ?? 0) - (left.first.bucketMillis ?? 0) || right.count - left.count
  )
  return {
    groups: sorted.slice(0, asked.limit).map((sum) => groupOf(sum, asked)),
    truncated: sorted.length > asked.limit
  }
}
