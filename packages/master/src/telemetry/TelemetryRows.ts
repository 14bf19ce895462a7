/** What a report becomes in the store: rows of one kind, each with its time. Pure. */
import type { LogLine, MetricSample } from "@nxmesh/protocol/link/Report"
import { isOutboxKind, type OutboxKind, outboxReports, type OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Option, Schema } from "effect"
import { Limits } from "../Limits.ts"
import { accessLogValues } from "./accessLogs/AccessLogTable.ts"

interface Timed {
  readonly atMillis: number
  /** Of a report of many lines or samples. */
  readonly line: number
}

export type NewRow = Timed &
  (
    | { readonly kind: "health"; readonly data: string }
    /** `level` and `host` where nginx said them. */
    | {
        readonly kind: "error_logs"
        readonly source: string
        readonly level: string | null
        readonly host: string | null
        readonly message: string
        readonly data: string
      }
    | { readonly kind: "access_logs"; readonly data: LogLine }
    /** `labels`: JSON, its keys sorted. */
    | { readonly kind: "metrics"; readonly name: string; readonly labels: string; readonly value: number }
  )

/** Postgres holds no NUL, and neither store half a surrogate pair. */
const storable = (text: string): string => text.replaceAll("\0", "\ufffd").toWellFormed()

const labelsText = (labels: MetricSample["labels"]): string =>
  storable(JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))))

const lineRow = (line: LogLine, index: number): NewRow => {
  const timed = { atMillis: Date.parse(line.timestamp), line: index }
  if (line.source === "access") return { kind: "access_logs", ...timed, data: line }
  return {
    kind: "error_logs",
    ...timed,
    source: line.source,
    level: line.error?.level ?? null,
    host: line.error?.host === null || line.error?.host === undefined ? null : storable(line.error.host),
    message: storable(line.text),
    data: JSON.stringify(line.error ?? null)
  }
}

const rowsOf = <Kind extends OutboxKind>(kind: Kind, report: OutboxReports[Kind]): ReadonlyArray<NewRow> => {
  if (kind === "logs") return (report as OutboxReports["logs"]).lines.map(lineRow)
  if (kind === "health") {
    const { timestamp } = report as OutboxReports["health"]
    return [{ kind: "health", atMillis: Date.parse(timestamp), line: 0, data: JSON.stringify(report) }]
  }
  const { samples, timestamp } = report as OutboxReports["metrics"]
  const atMillis = Date.parse(timestamp)
  return samples.map(({ labels, name, value }, line) => ({
    kind: "metrics",
    atMillis,
    line,
    name: storable(name),
    labels: labelsText(labels),
    value
  }))
}

const decoders = {
  health: Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.health)),
  logs: Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.logs)),
  metrics: Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.metrics))
}

/** `null` for a kind that this master does not know, and for a text that is no such report. */
export const decodeRows = (kind: string, text: string, nowMillis: number): ReadonlyArray<NewRow> | null => {
  if (!isOutboxKind(kind)) return null
  const decode: (text: string) => Option.Option<OutboxReports[OutboxKind]> = decoders[kind]
  return Option.match(decode(text), {
    onNone: () => null,
    onSome: (report) => rowsOf(kind, report).map((row) => inTime(row, nowMillis))
  })
}

/** In the order of the table's own columns, but for what a metric's series says. */
export const ownValues = (
  row: Exclude<NewRow, { readonly kind: "metrics" }>
): ReadonlyArray<string | number | null> => {
  switch (row.kind) {
    case "health":
      return [row.data]
    case "error_logs":
      return [row.source, row.level, row.host, row.message, row.data]
    case "access_logs":
      return accessLogValues(row.data)
  }
}

/** A clock that is ahead would put its lines before everything that comes for as long. */
const inTime = (row: NewRow, nowMillis: number): NewRow =>
  row.atMillis > nowMillis + Limits.telemetry.aheadMillisMax ? { ...row, atMillis: nowMillis } : row
