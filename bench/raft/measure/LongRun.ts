/** Full load for long: whether anybody calls an election, and whether memory and disk stay bounded. */
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { agreedLeader } from "../cluster/Cluster.ts"
import type { Cluster } from "../cluster/Cluster.ts"
import type { GeneratorProcess } from "../load/GeneratorProcess.ts"
import { residentBytes } from "./ProcessUsage.ts"
import { connect, withCluster } from "./System.ts"
import type { System } from "./System.ts"

export interface LongRunOptions {
  readonly clients: number
  /** It ends when either is reached. */
  readonly minutes: number
  readonly entries: number
  readonly sampleSeconds: number
  readonly report: (line: string) => void
}

export interface LongRunSample {
  readonly minutes: number
  readonly entries: number
  readonly perSecond: number
  readonly p99Millis: number
  readonly maxMillis: number
  readonly term: number
  /** The largest of the three. */
  readonly residentBytes: number
  /** Of the directories of all three. */
  readonly diskBytes: number
  readonly failures: number
}

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** What files really take. Those that are deleted while this looks count as nothing. */
const diskBytes = (directory: string): number =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).reduce(
    (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512,
    0
  )

const sample = async (
  generator: GeneratorProcess,
  { cluster, directory }: { readonly cluster: Cluster; readonly directory: string },
  before: { readonly minutes: number; readonly entries: number }
): Promise<LongRunSample> => {
  const { failures, maxMillis, operations, p99Millis, seconds } = await generator.progress()
  const { term } = await cluster.status(await agreedLeader(cluster))
  return {
    minutes: before.minutes + seconds / 60,
    entries: before.entries + operations,
    perSecond: operations / seconds,
    p99Millis,
    maxMillis,
    term,
    residentBytes: Math.max(...cluster.pids().map(residentBytes)),
    diskBytes: diskBytes(directory),
    failures: failures.reduce((sum, [, count]) => sum + count, 0)
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`

const describe = (one: LongRunSample): string =>
  `  ${one.minutes.toFixed(1)} min, ${(one.entries / 1e6).toFixed(2)} million entries, ${Math.round(one.perSecond)}/s, ` +
  `p99 ${one.p99Millis.toFixed(1)} ms, worst ${one.maxMillis.toFixed(0)} ms, term ${one.term}, ` +
  `largest member ${mebibytes(one.residentBytes)}, disk of all ${mebibytes(one.diskBytes)}, ${one.failures} failed`

/** The first sample is that of the start: its term is the one to compare with. */
export const measureLongRun = (generator: GeneratorProcess, system: System, options: LongRunOptions) =>
  withCluster(system, async (cluster, leader, directory) => {
    const { clients, entries, minutes, report, sampleSeconds } = options
    await connect(generator, system, { cluster, leader, retries: true })
    await generator.begin({ operation: "put", clients, keys: 10_000, valueBytes: 256, pauseMillis: 0 })
    const samples = [await sample(generator, { cluster, directory }, { minutes: 0, entries: 0 })]
    for (let last = samples[0]!; last.minutes < minutes && last.entries < entries; last = samples.at(-1)!) {
      await pause(sampleSeconds * 1_000)
      const next = await sample(generator, { cluster, directory }, last)
      samples.push(next)
      report(describe(next))
    }
    await generator.end()
    await generator.disconnect()
    return samples
  })
