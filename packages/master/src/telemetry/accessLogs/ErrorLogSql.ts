/** Error logs as SQL of either store. Pure. */
import { ErrorLogEntry } from "@nxmesh/protocol/model/AccessLog"
import type { ErrorLogRow } from "@nxmesh/protocol/model/AccessLogRow"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { SqlRow, TelemetryDialect } from "../TelemetrySql.ts"
import type { TimeRange } from "./AccessLogFilter.ts"
import { isoOf, originOf, type PageBounds } from "./AccessLogPageSql.ts"
import { agentIn, all, containsSql, type Sql, sql } from "./FilterSql.ts"
import { behindSql, cursorOf, type LogPlace } from "./LogCursor.ts"
import type { Placed } from "./MergePages.ts"

export type ErrorLogLevel = (typeof ErrorLogEntry.fields.level)["Type"]
const levels = ErrorLogEntry.fields.level.literals

export interface ErrorLogFilter extends TimeRange {
  readonly agentIds: ReadonlyArray<AgentId> | null
  /** This one and those that are worse. */
  readonly level: ErrorLogLevel | null
  readonly host: string | null
  /** Latin letters in lower case. */
  readonly text: string | null
}

export interface ErrorPageAsked {
  readonly filter: ErrorLogFilter
  readonly after: LogPlace | null
  readonly limit: number
}

const worseOrEqual = (level: ErrorLogLevel): string =>
  levels
    .slice(levels.indexOf(level))
    .map((one) => `'${one}'`)
    .join(", ")

const residualOf = ({ host, level, text }: ErrorLogFilter, dialect: TelemetryDialect): ReadonlyArray<Sql> => [
  ...(level === null ? [] : [sql(`t.level IN (${worseOrEqual(level)})`)]),
  ...(host === null ? [] : [sql("t.host = ?", host)]),
  ...(text === null ? [] : [containsSql(["t.message"], text, dialect)])
]

/** What is walked along: an agent's lines, or all of the time. */
const boundsOf = ({ after, filter }: ErrorPageAsked, { dialect, master }: PageBounds): Sql =>
  all([
    sql("t.at >= ? AND t.at < ?", filter.fromMillis, filter.toMillis),
    ...(filter.agentIds === null ? [] : [agentIn(filter.agentIds, dialect)]),
    ...(after === null ? [] : [behindSql(after, master)])
  ])

const columns = ["id", "at", "agent", "outbox", "sequence", "line", "source", "level", "host", "message", "data"]

export const errorPageSql = (asked: ErrorPageAsked, bounds: PageBounds): Sql => {
  const walked = boundsOf(asked, bounds)
  const residual = residualOf(asked.filter, bounds.dialect)
  const condition = all(residual)
  const order = "ORDER BY t.at DESC, t.id DESC"
  return sql(
    `SELECT t.*, a.agent_id AS agent_id, p.outbox_id AS outbox_id FROM (
       SELECT * FROM (
         SELECT ${columns.map((column) => `t.${column} AS ${column}`).join(", ")}
         FROM error_logs t WHERE ${walked.text} ${order} LIMIT ${residual.length === 0 ? asked.limit : bounds.scanMax}
       ) t WHERE ${condition.text} LIMIT ${asked.limit}
     ) t JOIN agents a ON a.id = t.agent LEFT JOIN positions p ON p.id = t.outbox ${order}`,
    ...walked.parameters,
    ...condition.parameters
  )
}

/** As `scanEnd`, and nothing where no line has to be looked at. */
export const errorScanEnd = (asked: ErrorPageAsked, bounds: PageBounds): Sql | null => {
  if (residualOf(asked.filter, bounds.dialect).length === 0) return null
  const { parameters, text } = boundsOf(asked, bounds)
  return sql(
    `SELECT t.at AS at FROM error_logs t WHERE ${text} ORDER BY t.at DESC LIMIT 1 OFFSET ${bounds.scanMax}`,
    ...parameters
  )
}

export interface PlacedErrorRow extends Placed {
  readonly row: ErrorLogRow
}

export const errorRowOf = (row: SqlRow, master: string): PlacedErrorRow => {
  const place = { atMillis: Number(row["at"]), master, id: Number(row["id"]) }
  return {
    place,
    origin: originOf(row),
    row: {
      id: cursorOf(place),
      agent_id: String(row["agent_id"]) as AgentId,
      timestamp: isoOf(place.atMillis),
      text: String(row["message"]),
      source: String(row["source"]),
      error: JSON.parse(String(row["data"])) as ErrorLogRow["error"]
    }
  }
}
