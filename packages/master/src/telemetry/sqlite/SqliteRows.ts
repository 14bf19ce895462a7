/** Puts rows into telemetry.db, inside the transaction of whoever calls. Throws SQLite's error. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Limits } from "../../Limits.ts"
import { hourMillis, minuteMillis, type MetricPoint, rolledUp, type Rollup } from "../MetricRollup.ts"
import { type NewRow, ownValues } from "../TelemetryRows.ts"
import type { NewEvent } from "../TelemetryStore.ts"
import { rollupColumns, type Table, tables, upsertRollup } from "../TelemetryTables.ts"
import type { Statements } from "./Statements.ts"

const places = (count: number): string => Array.from({ length: count }, () => "?").join(", ")

const insertInto = ({ columns, name }: Table): string =>
  `INSERT OR IGNORE INTO ${name} (${columns.map((column) => column.name).join(", ")}) VALUES (${places(columns.length)})`

const inserts = {
  health: insertInto(tables.health),
  error_logs: insertInto(tables.error_logs),
  access_logs: insertInto(tables.access_logs),
  events: insertInto(tables.events),
  metrics: insertInto(tables.metrics)
}

const upserts = [
  {
    stepMillis: minuteMillis,
    sql: upsertRollup("metrics_minute", `VALUES (${places(rollupColumns.length)})`, "sqlite")
  },
  { stepMillis: hourMillis, sql: upsertRollup("metrics_hour", `VALUES (${places(rollupColumns.length)})`, "sqlite") }
]

const rollupValues = (series: number, at: number, rollup: Rollup): ReadonlyArray<number> => [
  ...[series, at, rollup.count, rollup.sum, rollup.min, rollup.max],
  ...[rollup.firstAt, rollup.first, rollup.lastAt, rollup.last]
]

export interface Place {
  readonly outbox: number
  readonly sequence: number
}

export class SqliteRows {
  private readonly statements: Statements

  constructor(statements: Statements) {
    this.statements = statements
  }

  agent(agentId: AgentId): number {
    this.statements.run("INSERT OR IGNORE INTO agents (agent_id) VALUES (?)", [agentId])
    return Number(this.statements.one("SELECT id FROM agents WHERE agent_id = ?", agentId)?.["id"])
  }

  /** How many of them are kept: what is there already is not put there again. */
  insert(agent: number, rows: ReadonlyArray<NewRow>, nowMillis: number, place: Place | null): number {
    let count = 0
    const points = new Map<number, Array<MetricPoint>>()
    for (const row of rows) {
      if (row.kind !== "metrics") {
        const at = [agent, row.atMillis, nowMillis, place?.outbox ?? null, place?.sequence ?? null, row.line]
        count += this.statements.run(inserts[row.kind], [...at, ...ownValues(row)])
        continue
      }
      const series = this.series(agent, row.name, row.labels)
      if (series === null) continue
      const kept = this.statements.run(inserts.metrics, [series, row.atMillis, nowMillis, row.value])
      count += kept
      if (kept > 0) points.set(series, [...(points.get(series) ?? []), row])
    }
    for (const [series, of] of points) this.rollUp(series, of)
    return count
  }

  event(
    { agentId, atMillis, data, key, kind, organizationId, text, workspaceId }: NewEvent,
    nowMillis: number
  ): number {
    const about = [agentId, workspaceId, organizationId]
    return this.statements.run(inserts.events, [key, atMillis, nowMillis, kind, ...about, text, JSON.stringify(data)])
  }

  private rollUp(series: number, points: ReadonlyArray<MetricPoint>): void {
    for (const { sql, stepMillis } of upserts) {
      for (const [at, rollup] of rolledUp(points, stepMillis))
        this.statements.run(sql, rollupValues(series, at, rollup))
    }
  }

  /** `null` for one more than an agent may have. */
  private series(agent: number, name: string, labels: string): number | null {
    const found = this.statements.one(
      "SELECT id FROM metric_series WHERE agent = ? AND name = ? AND labels = ?",
      agent,
      name,
      labels
    )
    if (found !== undefined) return Number(found["id"])
    const count = this.statements.one("SELECT count(*) AS count FROM metric_series WHERE agent = ?", agent)
    if (Number(count?.["count"]) >= Limits.telemetry.seriesPerAgentMax) return null
    this.statements.run("INSERT INTO metric_series (agent, name, labels) VALUES (?, ?, ?)", [agent, name, labels])
    return this.series(agent, name, labels)
  }
}
