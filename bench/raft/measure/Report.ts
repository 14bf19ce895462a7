/** The figures as tables. */
import { millis, p50, percentile, table } from "../../Statistics.ts"
import type { Handover } from "./Failover.ts"
import type { Figures, LevelResult } from "./Throughput.ts"

const cores = (share: number): string => share.toFixed(2)

const figureCells = (figures: Figures | undefined): ReadonlyArray<string> =>
  figures === undefined
    ? ["-", "-", "-"]
    : [String(Math.round(figures.perSecond)), millis(figures.p50Millis), millis(figures.p99Millis)]

const ratio = (ours: Figures | undefined, theirs: Figures | undefined): string =>
  ours === undefined || theirs === undefined ? "-" : (ours.perSecond / theirs.perSecond).toFixed(2)

/** One row for each number of clients; the ratio is that of the first system to the second. */
export const throughputTable = (
  results: ReadonlyArray<LevelResult>,
  operation: LevelResult["operation"],
  names: ReadonlyArray<string>
): string => {
  const unit = operation === "put" ? "writes/s" : "reads/s"
  const head = ["clients", ...names.flatMap((name) => [`${name} ${unit}`, "p50", "p99"]), "ratio"]
  const rows = results
    .filter((result) => result.operation === operation)
    .map(({ clients, figures }) => [
      String(clients),
      ...names.flatMap((name) => figureCells(figures.get(name))),
      ratio(figures.get(names[0]!), figures.get(names[1]!))
    ])
  return table([head, ...rows])
}

const costMicros = ({ membersShare, perSecond }: Figures): string =>
  perSecond === 0 ? "-" : String(Math.round((membersShare * 1e6) / perSecond))

/**
 * Who used the processors: cores of all members, of the generator and of everybody else on the machine, and what one
 * operation costs the members together, in microseconds of processor time.
 */
export const sharesTable = (results: ReadonlyArray<LevelResult>, names: ReadonlyArray<string>): string => {
  const head = ["cores", ...names.flatMap((name) => [`${name} members`, "us/op", "generator", "others"]), "failed"]
  const rows = results.map(({ clients, figures, operation }) => [
    `${clients} ${operation}`,
    ...names.flatMap((name) => {
      const one = figures.get(name)
      if (one === undefined) return ["-", "-", "-", "-"]
      return [cores(one.membersShare), costMicros(one), cores(one.generatorShare), cores(one.strangersShare)]
    }),
    String([...figures.values()].reduce((sum, { failures }) => sum + failures, 0))
  ])
  return table([head, ...rows])
}

export const pausesTable = (rows: ReadonlyArray<readonly [string, ReadonlyArray<number>]>): string =>
  table([
    ["", "rounds", "p50", "p90", "worst"],
    ...rows.map(([name, pauses]) => [
      name,
      String(pauses.length),
      millis(p50(pauses)),
      millis(percentile(pauses, 0.9)),
      millis(Math.max(...pauses))
    ])
  ])

export const handoverRows = (
  name: string,
  handovers: ReadonlyArray<Handover>
): ReadonlyArray<readonly [string, ReadonlyArray<number>]> => [
  [`${name}, handing over`, handovers.map(({ pauseMillis }) => pauseMillis)],
  [`${name}, same load without`, handovers.map(({ ordinaryMillis }) => ordinaryMillis)]
]
