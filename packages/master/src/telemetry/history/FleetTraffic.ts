/** What all agents together served, by step, summed up where the rows are. Pure. */
import type { FleetPoint } from "@nxmesh/protocol/model/TelemetryHistory"
import type { Resolution } from "../MetricRollup.ts"
import type { SqlRow, TelemetryDialect } from "../TelemetrySql.ts"
import { isOneOf, type Statement } from "./HistoryRows.ts"

export interface FleetAsked {
  /** `null` for all. */
  readonly agentIds: ReadonlyArray<string> | null
  readonly fromMillis: number
  readonly toMillis: number
  /** Whole minutes. */
  readonly stepMillis: number
  readonly resolution: Exclude<Resolution, "raw">
}

const names = {
  requests: "nxmesh_http_requests_total",
  bytes: "nxmesh_http_response_bytes_total",
  seconds: "nxmesh_http_request_duration_seconds_sum",
  timed: "nxmesh_http_request_duration_seconds_count",
  connections: "nxmesh_nginx_connections_active"
} as const

const whenStatus = (status: string): string => `name = '${names.requests}' AND labels LIKE '%"status":"${status}"%'`
const sumWhen = (condition: string, value: string): string => `sum(CASE WHEN ${condition} THEN ${value} ELSE 0 END)`

/**
 * How much each counter rose within each row is `riseOf`, with the row before it; what a step's rows come to is summed over series.
 * A gauge's mean is taken over its own rows, then summed.
 */
export const fleetStatement = (asked: FleetAsked, dialect: TelemetryDialect): Statement => {
  const table = asked.resolution === "minute" ? "metrics_minute" : "metrics_hour"
  const rowMillis = asked.resolution === "minute" ? 60_000 : 3_600_000
  const step = `(at - at % ${asked.stepMillis})`
  const who = asked.agentIds === null ? "" : ` AND ${isOneOf("a.agent_id", dialect)}`
  return {
    text: `WITH m AS (
        SELECT r.series AS series, r.at AS at, r.first AS first, r.last AS last, r.max AS max, r.sum / r.count AS mean, s.name AS name,
          s.labels AS labels, coalesce(lag(r.last) OVER (PARTITION BY r.series ORDER BY r.at), r.first) AS before
        FROM ${table} r JOIN metric_series s ON s.id = r.series JOIN agents a ON a.id = s.agent
        WHERE s.name IN (${Object.values(names)
          .map((name) => `'${name}'`)
          .join(", ")}) AND r.at >= ? AND r.at < ?${who}),
      b AS (SELECT m.*, CASE WHEN first >= before THEN before ELSE 0 END AS base FROM m WHERE at >= ?),
      v AS (SELECT ${step} AS at, name, labels, mean,
          CASE WHEN last >= max THEN last - base ELSE max - base + last END AS rise FROM b)
      SELECT at, ${sumWhen(`name = '${names.requests}'`, "rise")} AS requests,
        ${sumWhen(whenStatus("4xx"), "rise")} AS client_errors, ${sumWhen(whenStatus("5xx"), "rise")} AS server_errors,
        ${sumWhen(`name = '${names.bytes}'`, "rise")} AS bytes, ${sumWhen(`name = '${names.seconds}'`, "rise")} AS seconds,
        ${sumWhen(`name = '${names.timed}'`, "rise")} AS timed,
        ${sumWhen(`name = '${names.connections}'`, `mean * ${rowMillis}.0 / ${asked.stepMillis}`)} AS connections
      FROM v GROUP BY at ORDER BY at LIMIT 10000`,
    parameters: [
      ...[asked.fromMillis - rowMillis, asked.toMillis],
      ...(asked.agentIds === null ? [] : [JSON.stringify(asked.agentIds)]),
      asked.fromMillis
    ]
  }
}

/** One master's answer; JSON. */
export interface FleetSums {
  readonly at: number
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  readonly bytes: number
  readonly seconds: number
  readonly timed: number
  readonly connections: number
}

export const sumsOf = (row: SqlRow): FleetSums => ({
  at: Number(row["at"]),
  requests: Number(row["requests"]),
  client_errors: Number(row["client_errors"]),
  server_errors: Number(row["server_errors"]),
  bytes: Number(row["bytes"]),
  seconds: Number(row["seconds"]),
  timed: Number(row["timed"]),
  connections: Number(row["connections"])
})

const added = (a: FleetSums, b: FleetSums): FleetSums => ({
  at: a.at,
  requests: a.requests + b.requests,
  client_errors: a.client_errors + b.client_errors,
  server_errors: a.server_errors + b.server_errors,
  bytes: a.bytes + b.bytes,
  seconds: a.seconds + b.seconds,
  timed: a.timed + b.timed,
  connections: a.connections + b.connections
})

export const fleetPoints = (
  answers: ReadonlyArray<ReadonlyArray<FleetSums>>,
  stepMillis: number
): ReadonlyArray<FleetPoint> => {
  const steps = new Map<number, FleetSums>()
  for (const sums of answers.flat()) {
    const before = steps.get(sums.at)
    steps.set(sums.at, before === undefined ? sums : added(before, sums))
  }
  const seconds = stepMillis / 1_000
  return [...steps.values()]
    .toSorted((a, b) => a.at - b.at)
    .map((sums) => ({
      timestamp: new Date(sums.at).toISOString(),
      requests: sums.requests / seconds,
      client_errors: sums.client_errors / seconds,
      server_errors: sums.server_errors / seconds,
      bytes: sums.bytes / seconds,
      latency_ms: sums.timed > 0 ? (sums.seconds / sums.timed) * 1_000 : null,
      connections: sums.connections
    }))
}
