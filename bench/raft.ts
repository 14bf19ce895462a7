// Raft beside etcd: three processes each on loopback with their logs flushed, and one load generator for both, in a process of
// its own. Each client has one operation outstanding. etcd is left out where it is not installed (Debian: etcd-server).
//
//   npm run bench raft                                           all but the long runs; about 10 minutes
//   npm run bench raft -- --only throughput --levels 64,256 --seconds 10 --rounds 5
//   npm run bench raft -- --only failover --failover 100
//   npm run bench raft -- --only steady --steady 10              minutes of full load, counting elections
//   npm run bench raft -- --only soak --soak 10                  million entries through the log
//   npm run bench raft -- --only throughput --system raft --levels 256 --profile /tmp/profiles
//   npm run bench raft -- --tls                                  everything with mutual TLS

import { benchOptions } from "./raft/BenchOptions.ts"
import { GeneratorProcess } from "./raft/load/GeneratorProcess.ts"
import { measureFailover, measureHandover } from "./raft/measure/Failover.ts"
import { measureLongRun } from "./raft/measure/LongRun.ts"
import { handoverRows, pausesTable, sharesTable, throughputTable } from "./raft/measure/Report.ts"
import type { System } from "./raft/measure/System.ts"
import { measureThroughput } from "./raft/measure/Throughput.ts"
import type { ThroughputOptions } from "./raft/measure/Throughput.ts"
import { etcdSystem, floorSystem, makeIdentities, raftSystem, tunedEtcdSystem } from "./raft/Systems.ts"
import type { Identities } from "./raft/Systems.ts"

const values = benchOptions({
  only: { type: "string", default: "floor,throughput,tls,failover,handover" },
  levels: { type: "string", default: "1,16,64,256,1000" },
  seconds: { type: "string", default: "3" },
  rounds: { type: "string", default: "3" },
  failover: { type: "string", default: "5" },
  handover: { type: "string", default: "20" },
  steady: { type: "string", default: "10" },
  soak: { type: "string", default: "10" },
  tls: { type: "boolean", default: false },
  system: { type: "string", default: "raft,etcd" },
  profile: { type: "string" }
})

const parts = new Set(values.only.split(","))
const wanted = new Set(values.system.split(","))
const say = (text: string): void => void process.stdout.write(`${text}\n`)

const throughputOptions: ThroughputOptions = {
  levels: values.levels.split(",").map(Number),
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  keys: 10_000,
  valueBytes: 256,
  operations: ["put", "get"],
  report: say
}

const identities = await makeIdentities()
const tls = values.tls ? identities : null

const nodeArgs = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`]

const systemsWith = (security: Identities | null): ReadonlyArray<System> =>
  [raftSystem(security, nodeArgs), ...etcdSystem(security)].filter(({ kind }) => wanted.has(kind))

const throughput = async (title: string, systems: ReadonlyArray<System>, options: ThroughputOptions): Promise<void> => {
  say(`\n${title}`)
  const names = systems.map(({ name }) => name)
  const results = await measureThroughput(generator, systems, options)
  for (const operation of options.operations) say(`\n${throughputTable(results, operation, names)}`)
  say(`\n${sharesTable(results, names)}`)
}

const failover = async (): Promise<void> => {
  const rows: Array<readonly [string, ReadonlyArray<number>]> = []
  for (const system of [...systemsWith(tls), ...(wanted.has("etcd") ? tunedEtcdSystem(tls) : [])]) {
    rows.push([system.name, await measureFailover(generator, system, Number(values.failover))])
  }
  say(`\nkill -9 of the leader under 16 clients: from the kill to the next acknowledged write\n\n${pausesTable(rows)}`)
}

const handover = async (): Promise<void> => {
  const rows: Array<readonly [string, ReadonlyArray<number>]> = []
  for (const system of systemsWith(tls)) {
    rows.push(...handoverRows(system.name, await measureHandover(generator, system, Number(values.handover))))
  }
  say(`\nplanned handover under 64 clients: the longest stretch without an acknowledged write\n\n${pausesTable(rows)}`)
}

const longRun = async (title: string, clients: number, limits: { minutes: number; entries: number }): Promise<void> => {
  for (const system of systemsWith(tls)) {
    say(`\n${title}: ${system.name}, ${clients} clients`)
    const samples = await measureLongRun(generator, system, { ...limits, clients, sampleSeconds: 15, report: say })
    const elections = samples.at(-1)!.term - samples[0]!.term
    say(`  ${elections === 0 ? "no election" : `${elections} terms after the first`}`)
  }
}

const generator = new GeneratorProcess()
try {
  const { levels, seconds, rounds } = throughputOptions
  if (parts.has("floor")) {
    const options = { ...throughputOptions, rounds: 1, seconds: 2, operations: ["put"] } as const
    await throughput(
      "floor: 256 bytes to one process that flushes and answers, nothing replicated",
      [floorSystem],
      options
    )
  }
  if (parts.has("throughput")) {
    const title = `${levels.join(", ")} clients, 256-byte values, ${seconds} s each, median of ${rounds}`
    await throughput(
      `${title}, ${values.tls ? "mutual TLS" : "no TLS"} on both sides`,
      systemsWith(tls),
      throughputOptions
    )
  }
  if (parts.has("tls") && !values.tls) {
    const options = { ...throughputOptions, rounds: 1, operations: ["put"] } as const
    await throughput("the same with mutual TLS on both sides, one round", systemsWith(identities), options)
  }
  if (parts.has("failover")) await failover()
  if (parts.has("handover")) await handover()
  if (parts.has("steady")) {
    await longRun("full load with default settings", 256, { minutes: Number(values.steady), entries: Infinity })
  }
  if (parts.has("soak")) {
    await longRun("many entries through the log", 1_000, { minutes: Infinity, entries: Number(values.soak) * 1e6 })
  }
} finally {
  await generator.stop()
}
