/** The columns of what is kept, which both stores have. Where they differ, the store's own schema says so. */
import { accessLogColumns, accessLogIndexes } from "./accessLogs/AccessLogTable.ts"
import type { TelemetryDialect } from "./TelemetrySql.ts"
import type { TelemetryKind } from "./TelemetryStore.ts"

export interface Column {
  readonly name: string
  readonly type: "text" | "integer" | "real"
  readonly isOptional?: boolean
}

export interface Index {
  readonly name: string
  readonly columns: string
  readonly where?: string
}

const text = (name: string): Column => ({ name, type: "text" })
const integer = (name: string): Column => ({ name, type: "integer" })
const real = (name: string): Column => ({ name, type: "real" })
const optional = (column: Column): Column => ({ ...column, isOptional: true })

/** In front of what a kind of report has of its own: whose, when, and where in the agent's outbox. */
export const reportColumns: ReadonlyArray<Column> = [
  integer("agent"),
  integer("at"),
  integer("received"),
  optional(integer("outbox")),
  optional(integer("sequence")),
  integer("line")
]

export const rollupColumns: ReadonlyArray<Column> = [
  integer("series"),
  integer("at"),
  integer("count"),
  real("sum"),
  real("min"),
  real("max"),
  integer("first_at"),
  real("first"),
  integer("last_at"),
  real("last")
]

/** `key` says what happened: whoever writes of the same writes nothing new. */
export const eventColumns: ReadonlyArray<Column> = [
  text("key"),
  integer("at"),
  integer("received"),
  text("kind"),
  optional(text("agent_id")),
  optional(text("workspace_id")),
  optional(text("organization_id")),
  text("text"),
  text("data")
]

export interface Table {
  readonly name: string
  /** A number of its own, which rises in the order in which rows were taken. */
  readonly hasId: boolean
  readonly columns: ReadonlyArray<Column>
  readonly unique: string | null
  readonly indexes: ReadonlyArray<Index>
}

/** What grows with the fleet and with time: one table for each kind, and those of the rollups. */
export const tables: Readonly<Record<TelemetryKind | "metrics_minute" | "metrics_hour", Table>> = {
  health: {
    name: "health",
    hasId: true,
    columns: [...reportColumns, text("data")],
    // One report of an agent at one time, whether it came by itself, from the outbox, or both.
    unique: "agent, at",
    indexes: [{ name: "health_by_time", columns: "at" }]
  },
  error_logs: {
    name: "error_logs",
    hasId: true,
    columns: [
      ...reportColumns,
      text("source"),
      optional(text("level")),
      optional(text("host")),
      text("message"),
      text("data")
    ],
    unique: null,
    indexes: [
      { name: "error_logs_by_agent", columns: "agent, at" },
      { name: "error_logs_by_time", columns: "at" }
    ]
  },
  access_logs: {
    name: "access_logs",
    hasId: true,
    columns: [...reportColumns, ...accessLogColumns.map(optional)],
    unique: null,
    indexes: accessLogIndexes
  },
  events: {
    name: "events",
    hasId: true,
    columns: eventColumns,
    unique: "key, at",
    indexes: [
      { name: "events_by_time", columns: "at" },
      { name: "events_by_agent", columns: "agent_id, at" },
      { name: "events_by_workspace", columns: "workspace_id, at" }
    ]
  },
  metrics: {
    name: "metrics",
    hasId: true,
    columns: [integer("series"), integer("at"), integer("received"), real("value")],
    unique: "series, at",
    indexes: []
  },
  metrics_minute: {
    name: "metrics_minute",
    hasId: false,
    columns: rollupColumns,
    unique: "series, at",
    indexes: [{ name: "metrics_minute_by_time", columns: "at" }]
  },
  metrics_hour: {
    name: "metrics_hour",
    hasId: false,
    columns: rollupColumns,
    unique: "series, at",
    indexes: [{ name: "metrics_hour_by_time", columns: "at" }]
  }
}

/**
 * Puts a rollup into a table, together with what is there: as `mergedRollups`. `source` gives rows of `rollupColumns`.
 */
export const upsertRollup = (table: string, source: string, dialect: TelemetryDialect): string => {
  const [least, greatest] = dialect === "sqlite" ? ["min", "max"] : ["least", "greatest"]
  const names = rollupColumns.map(({ name }) => name).join(", ")
  return `INSERT INTO ${table} (${names}) ${source} ON CONFLICT (series, at) DO UPDATE SET
    count = ${table}.count + excluded.count, sum = ${table}.sum + excluded.sum,
    min = ${least}(${table}.min, excluded.min), max = ${greatest}(${table}.max, excluded.max),
    first = CASE WHEN excluded.first_at < ${table}.first_at THEN excluded.first ELSE ${table}.first END,
    first_at = ${least}(${table}.first_at, excluded.first_at),
    last = CASE WHEN excluded.last_at > ${table}.last_at THEN excluded.last ELSE ${table}.last END,
    last_at = ${greatest}(${table}.last_at, excluded.last_at)`
}
