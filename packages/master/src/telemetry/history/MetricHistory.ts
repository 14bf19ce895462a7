/** Metrics of one agent over time: what is read, and what it comes to by step. Pure. */
import type { MetricSeries } from "@nxmesh/protocol/model/TelemetryHistory"
import { mergedRollups, type Resolution, riseOf, type Rollup, rollupOf, stepStart } from "../MetricRollup.ts"
import type { SqlRow } from "../TelemetrySql.ts"
import type { Statement } from "./HistoryRows.ts"

export interface MetricsAsked {
  readonly agentId: string
  readonly namePrefix: string
  readonly fromMillis: number
  readonly toMillis: number
  readonly stepMillis: number
  readonly resolution: Resolution
}

/** One master's answer; JSON. */
export interface SteppedSeries {
  readonly name: string
  readonly labels: string
  readonly steps: ReadonlyArray<readonly [atMillis: number, rollup: Rollup]>
}

const tables = { raw: "metrics", minute: "metrics_minute", hour: "metrics_hour" } as const

/** One row more than may be read tells that there is too much. The step before the range tells what counters began with. */
export const metricsStatement = (asked: MetricsAsked, rowsMax: number): Statement => {
  const columns =
    asked.resolution === "raw" ? "m.value" : "m.count, m.sum, m.min, m.max, m.first_at, m.first, m.last_at, m.last"
  return {
    text: `SELECT m.series AS series, m.at AS at, s.name AS name, s.labels AS labels, ${columns}
      FROM ${tables[asked.resolution]} m JOIN metric_series s ON s.id = m.series JOIN agents a ON a.id = s.agent
      WHERE a.agent_id = ? AND substr(s.name, 1, ?) = ? AND m.at >= ? AND m.at < ? LIMIT ?`,
    parameters: [
      ...[asked.agentId, asked.namePrefix.length, asked.namePrefix],
      ...[stepStart(asked.fromMillis, asked.stepMillis) - asked.stepMillis, asked.toMillis, rowsMax + 1]
    ]
  }
}

const rollupIn = (row: SqlRow): Rollup =>
  row["value"] === undefined
    ? {
        count: Number(row["count"]),
        sum: Number(row["sum"]),
        min: Number(row["min"]),
        max: Number(row["max"]),
        firstAt: Number(row["first_at"]),
        first: Number(row["first"]),
        lastAt: Number(row["last_at"]),
        last: Number(row["last"])
      }
    : rollupOf({ atMillis: Number(row["at"]), value: Number(row["value"]) })

const keyOf = ({ labels, name }: { readonly name: string; readonly labels: string }): string => `${name}\0${labels}`

/** The rows by series and step. */
export const stepped = (rows: ReadonlyArray<SqlRow>, stepMillis: number): ReadonlyArray<SteppedSeries> => {
  const all = new Map<string, { readonly name: string; readonly labels: string; readonly steps: Map<number, Rollup> }>()
  for (const row of rows) {
    const name = { name: String(row["name"]), labels: String(row["labels"]) }
    const series = all.get(keyOf(name)) ?? { ...name, steps: new Map<number, Rollup>() }
    all.set(keyOf(name), series)
    const at = stepStart(Number(row["at"]), stepMillis)
    const before = series.steps.get(at)
    series.steps.set(at, before === undefined ? rollupIn(row) : mergedRollups(before, rollupIn(row)))
  }
  return [...all.values()].map(({ labels, name, steps }) => ({ name, labels, steps: [...steps] }))
}

/** Series of several masters that an agent was connected to. */
export const mergedSeries = (answers: ReadonlyArray<ReadonlyArray<SteppedSeries>>): ReadonlyArray<SteppedSeries> => {
  const all = new Map<string, Map<number, Rollup>>()
  const names = new Map<string, SteppedSeries>()
  for (const series of answers.flat()) {
    const steps = all.get(keyOf(series)) ?? new Map<number, Rollup>()
    all.set(keyOf(series), steps)
    names.set(keyOf(series), series)
    for (const [at, rollup] of series.steps) {
      const before = steps.get(at)
      steps.set(at, before === undefined ? rollup : mergedRollups(before, rollup))
    }
  }
  return [...names].map(([key, { labels, name }]) => ({ name, labels, steps: [...(all.get(key) ?? [])] }))
}

/** By the names of Prometheus: `_total` of a counter, `_sum` and `_count` of a histogram. */
export const isCounter = (name: string): boolean => /_(total|sum|count)$/.test(name)

/** As it is answered: the range's steps in order, rates of counters by what the step before ended with. */
export const answeredSeries = (
  { labels, name, steps }: SteppedSeries,
  { fromMillis, stepMillis }: Pick<MetricsAsked, "fromMillis" | "stepMillis">
): MetricSeries => {
  let before: number | null = null
  const points: Array<MetricSeries["points"][number]> = []
  for (const [at, rollup] of steps.toSorted(([a], [b]) => a - b)) {
    const rise: number = riseOf(rollup, before)
    before = rollup.last
    if (at < stepStart(fromMillis, stepMillis)) continue
    points.push({
      timestamp: new Date(at).toISOString(),
      avg: rollup.sum / rollup.count,
      min: rollup.min,
      max: rollup.max,
      last: rollup.last,
      rate: isCounter(name) ? rise / (stepMillis / 1_000) : null
    })
  }
  return { name, labels: JSON.parse(labels) as Record<string, string>, points }
}

/** About a hundred points, in whole minutes from two hours on. */
export const chosenStep = (stepSeconds: number | undefined, fromMillis: number, toMillis: number): number => {
  if (stepSeconds !== undefined) return stepSeconds * 1_000
  const hundredth = (toMillis - fromMillis) / 100
  const unit = hundredth >= 60_000 ? 60_000 : 1_000
  return Math.max(10_000, Math.ceil(hundredth / unit) * unit)
}
