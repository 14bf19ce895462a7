/**
 * Metrics as StatsD lines, with DogStatsD's tags. Counters go as what came to them since the report before, gauges as they
 * are. Pure.
 *
 * Source: "StatsD Metric Types" of statsd/statsd; DogStatsD's datagram format.
 */
import type { MetricSample } from "@nxmesh/protocol/link/Report"

/** What separates the parts of a line must not be in one. */
const plain = (text: string): string => text.replaceAll(/[:|@#,\s\n]/g, "_").slice(0, 200)

const tagsOf = (labels: MetricSample["labels"]): string => {
  const tags = Object.entries(labels).map(([label, value]) => `${plain(label)}:${plain(value)}`)
  return tags.length === 0 ? "" : `|#${tags.join(",")}`
}

/** By Prometheus' naming rules: what only grows is named so. */
const isCounter = (name: string): boolean => /_(total|count|sum)$/.test(name)

export type Reported = ReadonlyMap<string, number>

/** The lines of a report, and what the next one counts from. A counter that fell began anew. */
export const statsdLines = (
  samples: ReadonlyArray<MetricSample>,
  before: Reported
): { readonly lines: ReadonlyArray<string>; readonly reported: Reported } => {
  const reported = new Map<string, number>()
  const lines: Array<string> = []
  for (const { labels, name, value } of samples) {
    const tags = tagsOf(labels)
    if (!isCounter(name)) {
      // A sign would change the gauge by so much: it is set to 0 first.
      if (value < 0) lines.push(`${plain(name)}:0|g${tags}`)
      lines.push(`${plain(name)}:${value}|g${tags}`)
      continue
    }
    const key = `${name}${tags}`
    const last = before.get(key) ?? 0
    const grown = value >= last ? value - last : value
    reported.set(key, value)
    if (grown > 0) lines.push(`${plain(name)}:${grown}|c${tags}`)
  }
  return { lines, reported }
}

/** Lines in datagrams that no network has to cut; a line that is longer than one is left out. */
export const datagramsOf = (lines: ReadonlyArray<string>, bytesMax: number): ReadonlyArray<string> => {
  const datagrams: Array<string> = []
  let current = ""
  for (const line of lines) {
    if (Buffer.byteLength(line) > bytesMax) continue
    const longer = current === "" ? line : `${current}\n${line}`
    if (Buffer.byteLength(longer) <= bytesMax) current = longer
    else {
      datagrams.push(current)
      current = line
    }
  }
  if (current !== "") datagrams.push(current)
  return datagrams
}
