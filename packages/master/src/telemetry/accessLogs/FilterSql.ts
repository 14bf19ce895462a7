/**
 * A filter as SQL of either store: every value is a parameter, and both give what `matches` gives. Pure.
 *
 * A question walks one index of `AccessLogTable` and looks at the rest of its conditions row by row. SQLite is told which index;
 * Postgres knows by its statistics.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Limits } from "../../Limits.ts"
import type { SqlValue, TelemetryDialect } from "../TelemetrySql.ts"
import type { AccessLogFilter } from "./AccessLogFilter.ts"

export interface Sql {
  readonly text: string
  readonly parameters: ReadonlyArray<SqlValue>
}

export const sql = (text: string, ...parameters: ReadonlyArray<SqlValue>): Sql => ({ text, parameters })

export const joined = (parts: ReadonlyArray<Sql>, separator: string): Sql => ({
  text: parts.map(({ text }) => text).join(separator),
  parameters: parts.flatMap(({ parameters }) => parameters)
})

export const all = (parts: ReadonlyArray<Sql>): Sql => (parts.length === 0 ? sql("1 = 1") : joined(parts, " AND "))

/** How a question finds its lines: by which index, what the index decides, and what is looked at row by row. */
export interface Walk {
  readonly index: string
  /** Of which column the index is; a hint for whoever has to narrow. */
  readonly by: "request_id" | "agent_id" | "host" | "failed" | "time"
  readonly bounds: Sql
  readonly residual: ReadonlyArray<Sql>
}

const one = (agentId: AgentId): Sql => sql("t.agent = (SELECT id FROM agents WHERE agent_id = ?)", agentId)

export const agentIn = (agentIds: ReadonlyArray<AgentId>, dialect: TelemetryDialect): Sql => {
  const values =
    dialect === "sqlite"
      ? "SELECT value FROM json_each(?)"
      : "SELECT jsonb_array_elements_text(CAST(CAST(? AS text) AS jsonb))"
  return sql(`t.agent IN (SELECT id FROM agents WHERE agent_id IN (${values}))`, JSON.stringify(agentIds))
}

const lower = (column: string, dialect: TelemetryDialect): string =>
  dialect === "sqlite" ? `lower(${column})` : `lower(${column} COLLATE "C")`

/** Whether any of the columns holds the text, Latin letters in either case. */
export const containsSql = (columns: ReadonlyArray<string>, text: string, dialect: TelemetryDialect): Sql => {
  const find = dialect === "sqlite" ? "instr" : "strpos"
  return sql(
    `(${columns.map((column) => `${find}(${lower(column, dialect)}, ?) > 0`).join(" OR ")})`,
    ...columns.map(() => text)
  )
}

const textColumns = ["t.path", "t.query", "t.user_agent", "t.referer", "t.text"]

const equal = (column: string, value: string | null): ReadonlyArray<Sql> =>
  value === null ? [] : [sql(`${column} = ?`, value)]
const least = (column: string, value: number | null): ReadonlyArray<Sql> =>
  value === null ? [] : [sql(`${column} >= ?`, value)]
const most = (column: string, value: number | null): ReadonlyArray<Sql> =>
  value === null ? [] : [sql(`${column} <= ?`, value)]

const prefix = (column: string, value: string | null, dialect: TelemetryDialect): ReadonlyArray<Sql> => {
  if (value === null) return []
  return dialect === "sqlite"
    ? [sql(`substr(${column}, 1, length(?)) = ?`, value, value)]
    : [sql(`starts_with(${column}, ?)`, value)]
}

const within = (address: AccessLogFilter["address"], dialect: TelemetryDialect): ReadonlyArray<Sql> => {
  if (address === null) return []
  const column = dialect === "sqlite" ? "t.address" : 't.address COLLATE "C"'
  const { first, last } = address
  return [sql(`length(t.address) = ? AND ${column} >= ? AND ${column} <= ?`, first.length, first, last)]
}

const failedFrom = 500

/** @param agentIds those of the filter, or one of them when each is asked about by itself */
export const walkOf = (
  filter: AccessLogFilter,
  dialect: TelemetryDialect,
  agentIds: ReadonlyArray<AgentId> | null = filter.agentIds
): Walk => {
  const [agentId] = agentIds ?? []
  const isOneAgent = agentIds?.length === 1 && agentId !== undefined
  const failed = (filter.statusMin ?? 0) >= failedFrom
  const by =
    filter.requestId !== null
      ? "request_id"
      : isOneAgent
        ? "agent_id"
        : filter.host !== null
          ? "host"
          : failed
            ? "failed"
            : "time"
  const time = sql("t.at >= ? AND t.at < ?", filter.fromMillis, filter.toMillis)
  const bounds: Readonly<Record<Walk["by"], Sql>> = {
    request_id: all([sql("t.request_id = ?", filter.requestId), time]),
    agent_id: isOneAgent ? all([one(agentId), time]) : time,
    host: all([sql("t.host = ?", filter.host), time]),
    // SQLite takes a partial index only where its condition stands word by word.
    failed: all([sql("t.status >= 500"), time]),
    time
  }
  const indexes: Readonly<Record<Walk["by"], string>> = {
    request_id: "access_logs_by_request",
    agent_id: "access_logs_by_agent",
    host: "access_logs_by_host",
    failed: "access_logs_failed",
    time: "access_logs_by_time"
  }
  const isExactlyFailed = by === "failed" && filter.statusMin === failedFrom
  const agents =
    agentIds === null || by === "agent_id" ? [] : isOneAgent ? [one(agentId)] : [agentIn(agentIds, dialect)]
  const residual = [
    ...agents,
    ...(by === "host" ? [] : equal("t.host", filter.host)),
    ...(isExactlyFailed ? [] : least("t.status", filter.statusMin)),
    ...most("t.status", filter.statusMax === 599 && by === "failed" ? null : filter.statusMax),
    ...equal("t.method", filter.method),
    ...prefix("t.path", filter.pathPrefix, dialect),
    ...(filter.text === null ? [] : [containsSql(textColumns, filter.text, dialect)]),
    ...least("t.duration_us", filter.latencyMicrosMin),
    ...most("t.duration_us", filter.latencyMicrosMax),
    ...within(filter.address, dialect),
    ...equal("t.virtual_host_id", filter.virtualHostId)
  ]
  return { index: indexes[by], by, bounds: bounds[by], residual }
}

/** The table, by the walk's index. */
export const tableOf = ({ index }: Walk, dialect: TelemetryDialect): string =>
  dialect === "sqlite" ? `access_logs t INDEXED BY ${index}` : "access_logs t"

/**
 * The time of the line behind the first `scanMax` ones of the walk: from there on backwards they are too many. No row when they
 * are not.
 */
export const scanEnd = (walk: Walk, dialect: TelemetryDialect, scanMax: number): Sql => ({
  text: `SELECT t.at AS at FROM ${tableOf(walk, dialect)} WHERE ${walk.bounds.text} ORDER BY t.at DESC LIMIT 1 OFFSET ${scanMax}`,
  parameters: walk.bounds.parameters
})

/** Whether each of the agents is asked about by itself, by the index that is theirs. */
export const isAgentByAgent = ({ agentIds, requestId }: AccessLogFilter): boolean =>
  agentIds !== null &&
  requestId === null &&
  agentIds.length > 1 &&
  agentIds.length <= Limits.accessLogs.agentsOneByOneMax
