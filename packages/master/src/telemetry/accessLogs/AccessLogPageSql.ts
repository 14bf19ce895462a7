/**
 * One page of lines as SQL, the newest first. It looks at no more than `scanMax` lines of its walk: a condition that no index
 * knows and few lines fulfil would else walk through all. Pure.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { AccessLogRow } from "@nxmesh/protocol/model/AccessLogRow"
import { Timestamp } from "@nxmesh/protocol/model/Text"
import type { SqlRow, SqlValue, TelemetryDialect } from "../TelemetrySql.ts"
import type { AccessLogFilter } from "./AccessLogFilter.ts"
import { accessLogColumns } from "./AccessLogTable.ts"
import { textOfDigits } from "./ClientAddress.ts"
import { all, isAgentByAgent, joined, type Sql, sql, tableOf, type Walk, walkOf } from "./FilterSql.ts"
import { behindSql, cursorOf, type LogPlace } from "./LogCursor.ts"

export interface PageAsked {
  readonly filter: AccessLogFilter
  /** What comes behind it. */
  readonly after: LogPlace | null
  readonly limit: number
}

const columns = ["id", "at", "agent", "outbox", "sequence", "line", ...accessLogColumns.map(({ name }) => name)]
const order = "ORDER BY t.at DESC, t.id DESC"

/** Where a page begins is part of its walk. */
const walkFrom = (walk: Walk, after: LogPlace | null, master: string): Walk =>
  after === null ? walk : { ...walk, bounds: all([walk.bounds, behindSql(after, master)]) }

const walked = (walk: Walk, limit: number, dialect: TelemetryDialect, scanMax: number): Sql => {
  const selected = columns.map((column) => `t.${column} AS ${column}`).join(", ")
  const { bounds } = walk
  const newest = sql(
    `SELECT ${selected} FROM ${tableOf(walk, dialect)} WHERE ${bounds.text} ${order} LIMIT ${walk.residual.length === 0 ? limit : scanMax}`,
    ...bounds.parameters
  )
  if (walk.residual.length === 0) return newest
  const residual = all(walk.residual)
  // Without an order of its own: what is in order comes out in order, and a sort would first walk to the end.
  return sql(
    `SELECT * FROM (${newest.text}) t WHERE ${residual.text} LIMIT ${limit}`,
    ...newest.parameters,
    ...residual.parameters
  )
}

const agentsOf = (filter: AccessLogFilter): ReadonlyArray<ReadonlyArray<AgentId> | null> =>
  isAgentByAgent(filter) ? (filter.agentIds ?? []).map((agentId) => [agentId]) : [filter.agentIds]

export interface PageBounds {
  readonly dialect: TelemetryDialect
  /** Whose store it is. */
  readonly master: string
  /** Lines that are looked at, of all walks together. */
  readonly scanMax: number
}

/** The walks of a page: one for each agent where they are few; and what each may look at. */
export const walksOf = (
  { after, filter, limit }: PageAsked,
  { dialect, master, scanMax }: PageBounds
): { readonly walks: ReadonlyArray<Walk>; readonly scanMax: number } => {
  const walks = agentsOf(filter).map((agentIds) => walkFrom(walkOf(filter, dialect, agentIds), after, master))
  return { walks, scanMax: Math.max(limit, Math.ceil(scanMax / walks.length)) }
}

export const pageSql = (asked: PageAsked, bounds: PageBounds): Sql => {
  const { scanMax, walks } = walksOf(asked, bounds)
  const parts = joined(
    walks.map((walk) => {
      const { parameters, text } = walked(walk, asked.limit, bounds.dialect, scanMax)
      return sql(`SELECT * FROM (${text}) w`, ...parameters)
    }),
    " UNION ALL "
  )
  return sql(
    `SELECT t.*, a.agent_id AS agent_id, p.outbox_id AS outbox_id FROM (${parts.text}) t
     JOIN agents a ON a.id = t.agent LEFT JOIN positions p ON p.id = t.outbox ${order} LIMIT ${asked.limit}`,
    ...parts.parameters
  )
}

const text = (value: SqlValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)
const number = (value: SqlValue | undefined): number | null =>
  value === null || value === undefined ? null : Number(value)
const millis = (value: SqlValue | undefined): number | null => {
  const micros = number(value)
  return micros === null ? null : micros / 1_000
}

/** A line with what tells it from a double on another master. */
export interface PlacedRow {
  readonly place: LogPlace
  /** Its place in its agent's outbox; `null` for what never was in one. */
  readonly origin: string | null
  readonly row: AccessLogRow
}

export const isoOf = (atMillis: number): Timestamp => new Date(atMillis).toISOString()

export const originOf = (row: SqlRow): string | null =>
  row["outbox_id"] === null || row["outbox_id"] === undefined
    ? null
    : `${row["outbox_id"]} ${row["sequence"]} ${row["line"]}`

const uriOf = (row: SqlRow): string => {
  const query = text(row["query"])
  return (text(row["path"]) ?? "") + (query === null ? "" : `?${query}`)
}

export const rowOf = (row: SqlRow, master: string): PlacedRow => {
  const place = { atMillis: Number(row["at"]), master, id: Number(row["id"]) }
  const address = text(row["address"])
  return {
    place,
    origin: originOf(row),
    row: {
      id: cursorOf(place),
      agent_id: String(row["agent_id"]) as AgentId,
      timestamp: isoOf(place.atMillis),
      remote_addr: address === null ? text(row["address_text"]) : textOfDigits(address),
      method: text(row["method"]) ?? "",
      uri: uriOf(row),
      protocol: text(row["protocol"]) ?? "",
      host: text(row["host"]) ?? "",
      status: number(row["status"]) ?? 0,
      body_bytes_sent: number(row["bytes"]) ?? 0,
      response_time_ms: millis(row["duration_us"]),
      user_agent: text(row["user_agent"]),
      referer: text(row["referer"]),
      request_id: text(row["request_id"]),
      virtual_host_id: text(row["virtual_host_id"]) as AccessLogRow["virtual_host_id"],
      location: text(row["location"]),
      upstream_addr: text(row["upstream_addr"]),
      upstream_status: number(row["upstream_status"]),
      upstream_connect_time_ms: millis(row["upstream_connect_us"]),
      upstream_header_time_ms: millis(row["upstream_header_us"]),
      upstream_response_time_ms: millis(row["upstream_us"]),
      text: text(row["text"])
    }
  }
}
