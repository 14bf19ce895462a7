/** CPU, memory and disk of the machine, from /proc and statfs(2). The parsers are pure. */
import { readFile, statfs } from "node:fs/promises"
import type { SystemMetrics } from "@nxmesh/protocol/model/Health"
import { Context, Effect, Layer, Ref } from "effect"

/** Ticks of all CPUs since boot. */
export interface CpuTicks {
  readonly busy: number
  readonly total: number
}

const none: CpuTicks = { busy: 0, total: 0 }

/** The first line of /proc/stat (proc(5)): guest time is in user time already. */
export const parseCpu = (stat: string): CpuTicks => {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(stat)?.[1] ?? ""
  )
    .split(" ")
    .map(Number)
  const busy = user + nice + system + irq + softirq + steal
  return { busy, total: busy + idle + iowait }
}

/** Percent of all CPUs between two readings. */
export const cpuPercent = (before: CpuTicks, after: CpuTicks): number => {
  const total = after.total - before.total
  return total <= 0 ? 0 : Math.round((1_000 * (after.busy - before.busy)) / total) / 10
}

/** `MemTotal` and what is not `MemAvailable`, in bytes. */
export const parseMemory = (meminfo: string): { readonly usedBytes: number; readonly totalBytes: number } => {
  const bytes = (name: string) => 1_024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0)
  const totalBytes = bytes("MemTotal")
  return { totalBytes, usedBytes: totalBytes - bytes("MemAvailable") }
}

export interface HostReading {
  readonly cpuPercent: number
  readonly memory: { readonly usedBytes: number; readonly totalBytes: number }
  readonly disk: { readonly usedBytes: number; readonly totalBytes: number }
}

/** In the units of AF-003: mebibytes and gibibytes. */
export const systemMetrics = ({ cpuPercent, disk, memory }: HostReading): SystemMetrics => ({
  cpu_percent: cpuPercent,
  memory_used_mb: Math.round(memory.usedBytes / 2 ** 20),
  memory_total_mb: Math.round(memory.totalBytes / 2 ** 20),
  disk_used_gb: Math.round(disk.usedBytes / 2 ** 30),
  disk_total_gb: Math.round(disk.totalBytes / 2 ** 30)
})

/** What cannot be read counts as empty: a health report without it is better than none. */
const text = (path: string) => Effect.promise(() => readFile(path, "utf8").catch(() => ""))

export class HostMetrics extends Context.Service<
  HostMetrics,
  {
    /** CPU since the reading before. */
    readonly read: Effect.Effect<HostReading>
  }
>()("@nxmesh/agent/health/HostMetrics") {
  /** @param directory on the file system whose space is reported */
  static readonly layer = (directory: string) =>
    Layer.effect(
      HostMetrics,
      Effect.gen(function* () {
        const last = yield* Ref.make(none)
        return HostMetrics.of({
          read: Effect.gen(function* () {
            const after = parseCpu(yield* text("/proc/stat"))
            const before = yield* Ref.getAndSet(last, after)
            const space = yield* Effect.promise(() => statfs(directory).catch(() => null))
            const totalBytes = space === null ? 0 : space.blocks * space.bsize
            return {
              cpuPercent: cpuPercent(before, after),
              memory: parseMemory(yield* text("/proc/meminfo")),
              disk: { totalBytes, usedBytes: space === null ? 0 : totalBytes - space.bavail * space.bsize }
            }
          })
        })
      })
    )
}
