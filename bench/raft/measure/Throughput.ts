/** Writes and linearizable reads per second at each number of clients, the systems taking turns. */
import type { LoadShape } from "../load/ClosedLoop.ts"
import type { Measurement } from "../load/GeneratorMessage.ts"
import type { GeneratorProcess } from "../load/GeneratorProcess.ts"
import { p50 } from "../../Statistics.ts"
import { measureShares } from "./ProcessUsage.ts"
import { connect, withCluster } from "./System.ts"
import type { System } from "./System.ts"

export interface ThroughputOptions {
  readonly levels: ReadonlyArray<number>
  readonly rounds: number
  readonly seconds: number
  readonly keys: number
  readonly valueBytes: number
  readonly operations: ReadonlyArray<LoadShape["operation"]>
  /** Told of each measurement as it is made. */
  readonly report: (line: string) => void
}

/** Shares are processor seconds per second. */
export interface Sample extends Measurement {
  readonly membersShare: number
  /** What else ran on the machine meanwhile. */
  readonly strangersShare: number
}

/** Of all rounds of one system at one level: the medians. */
export interface Figures {
  readonly perSecond: number
  readonly p50Millis: number
  readonly p99Millis: number
  readonly generatorShare: number
  readonly membersShare: number
  readonly strangersShare: number
  readonly failures: number
}

export interface LevelResult {
  readonly clients: number
  readonly operation: LoadShape["operation"]
  readonly figures: ReadonlyMap<string, Figures>
}

const warmMillis = 1_000
const fillClients = 64

const medians = (samples: ReadonlyArray<Sample>): Figures => {
  const of = (value: (sample: Sample) => number): number => p50(samples.map(value))
  return {
    perSecond: of((sample) => sample.operations / sample.seconds),
    p50Millis: of((sample) => sample.p50Millis),
    p99Millis: of((sample) => sample.p99Millis),
    generatorShare: of((sample) => sample.generatorShare),
    membersShare: of((sample) => sample.membersShare),
    strangersShare: of((sample) => sample.strangersShare),
    failures: samples.flatMap((sample) => sample.failures).reduce((sum, [, count]) => sum + count, 0)
  }
}

/** One fresh cluster: all keys are written once, then each operation is measured. */
const sampleOnce = (generator: GeneratorProcess, system: System, clients: number, options: ThroughputOptions) =>
  withCluster(system, async (cluster, leader) => {
    const { keys, operations, seconds, valueBytes } = options
    const shape = { keys, valueBytes, pauseMillis: 0 }
    await connect(generator, system, { cluster, leader, retries: false })
    await generator.writeAll({ ...shape, operation: "put", clients: fillClients })
    const samples = new Map<LoadShape["operation"], Sample>()
    for (const operation of operations) {
      // The shares include the warm-up: it is the same load.
      const shares = measureShares(cluster.pids())
      const measurement = await generator.measure({ ...shape, operation, clients }, warmMillis, seconds * 1_000)
      const { machine, processes } = shares()
      const strangersShare = Math.max(0, machine - processes - measurement.generatorShare)
      samples.set(operation, { ...measurement, membersShare: processes, strangersShare })
    }
    await generator.disconnect()
    return samples
  })

const describe = (system: System, clients: number, operation: string, sample: Sample): string => {
  const failures = sample.failures.map(([message, count]) => `; ${count} failed: ${message}`).join("")
  return (
    `  ${system.name}, ${clients} clients, ${operation}: ${Math.round(sample.operations / sample.seconds)}/s, ` +
    `members ${sample.membersShare.toFixed(2)}, generator ${sample.generatorShare.toFixed(2)}, ` +
    `others ${sample.strangersShare.toFixed(2)} cores${failures}`
  )
}

export const measureThroughput = async (
  generator: GeneratorProcess,
  systems: ReadonlyArray<System>,
  options: ThroughputOptions
): Promise<ReadonlyArray<LevelResult>> => {
  const results: Array<LevelResult> = []
  for (const clients of options.levels) {
    const samples: Array<{ readonly system: string; readonly operation: string; readonly sample: Sample }> = []
    for (let round = 0; round < options.rounds; round++) {
      for (const system of systems) {
        for (const [operation, sample] of await sampleOnce(generator, system, clients, options)) {
          samples.push({ system: system.name, operation, sample })
          options.report(describe(system, clients, operation, sample))
        }
      }
    }
    for (const operation of options.operations) {
      const of = (system: System): ReadonlyArray<Sample> =>
        samples.filter((one) => one.system === system.name && one.operation === operation).map(({ sample }) => sample)
      const figures = new Map(systems.map((system) => [system.name, medians(of(system))]))
      results.push({ clients, operation, figures })
    }
  }
  return results
}
