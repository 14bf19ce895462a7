/** What a report becomes in the store: rows of one kind, each with its time. Pure. */
import { isOutboxKind, type OutboxKind, outboxReports, type OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Option, Schema } from "effect"
import type { TelemetryKind } from "./TelemetryStore.ts"

export interface NewRow {
  readonly kind: TelemetryKind
  readonly atMillis: number
  readonly line: number
  readonly data: unknown
}

const rowsOf = <Kind extends OutboxKind>(kind: Kind, report: OutboxReports[Kind]): ReadonlyArray<NewRow> => {
  if (kind !== "logs") {
    const { timestamp } = report as OutboxReports["health" | "metrics"]
    return [{ kind: kind as "health" | "metrics", atMillis: Date.parse(timestamp), line: 0, data: report }]
  }
  return (report as OutboxReports["logs"]).lines.map((line, index) => ({
    kind: line.source === "access" ? "access_logs" : "error_logs",
    atMillis: Date.parse(line.timestamp),
    line: index,
    data: line
  }))
}

const decoders = {
  health: Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.health)),
  logs: Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.logs)),
  metrics: Schema.decodeUnknownOption(Schema.fromJsonString(outboxReports.metrics))
}

/** `null` for a kind that this master does not know, and for a text that is no such report. */
export const decodeRows = (kind: string, text: string): ReadonlyArray<NewRow> | null => {
  if (!isOutboxKind(kind)) return null
  const decode: (text: string) => Option.Option<OutboxReports[OutboxKind]> = decoders[kind]
  return Option.match(decode(text), { onNone: () => null, onSome: (report) => rowsOf(kind, report) })
}
