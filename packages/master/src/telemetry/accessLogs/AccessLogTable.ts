/**
 * The table of access logs in both stores (OB-003), and what a line becomes in it. Pure.
 *
 * The store adds its own columns in front: `id`, `agent` (a number of its table `agents`), `at` and `received` (milliseconds
 * since 1970), and the place in the outbox. Times are whole microseconds, so that sums are exact and small. A client's address is
 * its bytes in hexadecimal digits, so that a network is a range. What does not depend on the request's client or target is short; user agents and paths are
 * no dictionary, because clients choose them and could fill one.
 */
import type { LogLine } from "@nxmesh/protocol/link/Report"
import { asciiLower } from "./AsciiLower.ts"
import { type AddressPrivacy, keptOfAddress } from "./ClientAddress.ts"
import { bucketOfMicros } from "./LatencyBuckets.ts"

/** Types of both stores: text; whole numbers of up to 53 bits. */
const columnTypes = {
  method: "text",
  host: "text",
  path: "text",
  query: "text",
  protocol: "text",
  status: "integer",
  bytes: "integer",
  duration_us: "integer",
  duration_bucket: "integer",
  address: "text",
  address_text: "text",
  user_agent: "text",
  referer: "text",
  request_id: "text",
  virtual_host_id: "text",
  location: "text",
  upstream_addr: "text",
  upstream_status: "integer",
  upstream_connect_us: "integer",
  upstream_header_us: "integer",
  upstream_us: "integer",
  text: "text"
} as const

export type AccessLogColumn = keyof typeof columnTypes
const names = Object.keys(columnTypes) as ReadonlyArray<AccessLogColumn>

/** In the order of `accessLogValues`. */
export const accessLogColumns = names.map((name) => ({ name, type: columnTypes[name] }))

export interface AccessLogIndex {
  readonly name: string
  /** In SQLite every index ends with the row's id by itself; a store without that appends it, but for `request_id`. */
  readonly columns: string
  readonly where?: string
}

/** For the questions that people ask: what happened last; on this agent; on this host; what failed; this one request. */
export const accessLogIndexes: ReadonlyArray<AccessLogIndex> = [
  { name: "access_logs_by_time", columns: "at" },
  { name: "access_logs_by_agent", columns: "agent, at" },
  { name: "access_logs_by_host", columns: "host, at" },
  { name: "access_logs_failed", columns: "at", where: "status >= 500" },
  { name: "access_logs_by_request", columns: "request_id", where: "request_id IS NOT NULL" }
]

export type AccessLogValue = string | number | null
export type AccessLogColumns = Readonly<Record<AccessLogColumn, AccessLogValue>>

/** Postgres holds no NUL, and neither store half a surrogate pair. */
const storable = (text: string): string =>
  text.isWellFormed() && !text.includes("\0") ? text : text.replaceAll("\0", "\ufffd").toWellFormed()
const textOrNull = (text: string | null | undefined): string | null =>
  text === null || text === undefined ? null : storable(text)
/** Below what a store counts exactly, and far above what nginx says. */
const count = (value: number): number => Math.min(Math.round(value), Number.MAX_SAFE_INTEGER)
const micros = (millis: number | null | undefined): number | null =>
  millis === null || millis === undefined ? null : count(millis * 1_000)

export const splitUri = (uri: string): { readonly path: string; readonly query: string | null } => {
  const mark = uri.indexOf("?")
  return mark === -1 ? { path: uri, query: null } : { path: uri.slice(0, mark), query: uri.slice(mark + 1) }
}

/** A line whose format is not known has its text alone, and status 0. */
export const columnsOf = (line: LogLine, privacy: AddressPrivacy = "keep"): AccessLogColumns => {
  const entry = line.access
  const { path, query } = splitUri(entry?.uri ?? "")
  const duration = micros(entry?.response_time_ms)
  const address = keptOfAddress(entry?.remote_addr ?? "", privacy)
  return {
    method: storable(entry?.method ?? ""),
    host: asciiLower(storable(entry?.host ?? "")),
    path: storable(path),
    query: textOrNull(query),
    protocol: storable(entry?.protocol ?? ""),
    status: entry?.status ?? 0,
    bytes: count(entry?.body_bytes_sent ?? 0),
    duration_us: duration,
    duration_bucket: duration === null ? null : bucketOfMicros(duration),
    address: address.digits,
    address_text: textOrNull(address.text),
    user_agent: textOrNull(entry?.user_agent),
    referer: textOrNull(entry?.referer),
    request_id: textOrNull(entry?.request_id),
    virtual_host_id: entry?.virtual_host_id ?? null,
    location: textOrNull(entry?.location),
    upstream_addr: textOrNull(entry?.upstream_addr),
    upstream_status: smallOrNull(entry?.upstream_status),
    upstream_connect_us: micros(entry?.upstream_connect_time_ms),
    upstream_header_us: micros(entry?.upstream_header_time_ms),
    upstream_us: micros(entry?.upstream_response_time_ms),
    // A text of a line in no known format holds the client's address somewhere.
    text: line.text === "" || (entry === undefined && privacy !== "keep") ? null : storable(line.text)
  }
}

/** What fits Postgres' smallint; an agent may say anything. */
const smallOrNull = (value: number | undefined): number | null =>
  value === undefined || value < 0 || value > 999 ? null : value

/** The same, for the store's INSERT. */
export const accessLogValues = (line: LogLine, privacy: AddressPrivacy = "keep"): ReadonlyArray<AccessLogValue> => {
  const columns = columnsOf(line, privacy)
  return names.map((name) => columns[name])
}
