/** What processes take of the machine, from /proc. */
import { readFileSync } from "node:fs"
import { execFileSync } from "node:child_process"

const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }))

/** User and system time of a process and its threads; 0 when it is gone. */
export const cpuSeconds = (pid: number): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  } catch {
    return 0
  }
}

export const residentBytes = (pid: number): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024
  } catch {
    return 0
  }
}

/** Of every process together, since the machine started. */
const machineBusySeconds = (): number => {
  const fields = readFileSync("/proc/stat", "utf8").split("\n")[0]!.trim().split(/\s+/).slice(1, 9).map(Number)
  const [user, nice, system, , , interrupt, softInterrupt, stolen] = fields
  return (user! + nice! + system! + interrupt! + softInterrupt! + stolen!) / ticksPerSecond
}

/** Over one stretch of time, processor seconds per second. */
export interface Shares {
  readonly processes: number
  /** Of everything that ran: whoever else is at work disturbs the measurement. */
  readonly machine: number
}

/** Starts a measurement; the function that it returns ends it. */
export const measureShares = (pids: ReadonlyArray<number>): (() => Shares) => {
  const total = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = { processes: total(), machine: machineBusySeconds(), millis: performance.now() }
  return () => {
    const seconds = (performance.now() - before.millis) / 1_000
    return {
      processes: (total() - before.processes) / seconds,
      machine: (machineBusySeconds() - before.machine) / seconds
    }
  }
}
