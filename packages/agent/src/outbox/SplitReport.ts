/** Cuts reports to what one entry of the outbox, and one call to a master, may hold. Pure. */
import type { OutboxKind, OutboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { LogReport, MetricsReport } from "@nxmesh/protocol/link/Report"
import { Limits } from "../Limits.ts"

interface Cut<Item> {
  readonly items: ReadonlyArray<Item>
  readonly countMax: number
}

/** In groups of at most `countMax` items and about `outboxEntryCharactersMax` characters, in their order. */
const groups = <Item>({ countMax, items }: Cut<Item>): ReadonlyArray<ReadonlyArray<Item>> => {
  const made: Array<Array<Item>> = []
  let group: Array<Item> = []
  let characters = 0
  for (const item of items) {
    const size = JSON.stringify(item).length
    if (group.length > 0 && (group.length >= countMax || characters + size > Limits.outboxEntryCharactersMax)) {
      made.push(group)
      group = []
      characters = 0
    }
    group.push(item)
    characters += size
  }
  return [...made, group]
}

const splitLogs = ({ dropped, lines }: LogReport): ReadonlyArray<LogReport> =>
  groups({ items: lines, countMax: WireLimits.logLinesPerReportMax }).map((group, index) => ({
    lines: group,
    // Said once.
    dropped: index === 0 ? dropped : 0
  }))

const splitMetrics = ({ samples, timestamp }: MetricsReport): ReadonlyArray<MetricsReport> =>
  groups({ items: samples, countMax: WireLimits.metricSamplesPerReportMax }).map((group) => ({
    timestamp,
    samples: group
  }))

/** The JSON texts of a report, in order; each fits an entry unless a single item of it does not. */
export const splitReport = <Kind extends OutboxKind>(
  kind: Kind,
  report: OutboxReports[Kind]
): ReadonlyArray<string> => {
  const parts: ReadonlyArray<unknown> =
    kind === "logs"
      ? splitLogs(report as LogReport)
      : kind === "metrics"
        ? splitMetrics(report as MetricsReport)
        : [report]
  return parts.map((part) => JSON.stringify(part))
}
