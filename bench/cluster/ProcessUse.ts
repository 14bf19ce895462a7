/** What a process has used of the machine, as Linux counts it. */
import { readFileSync } from "node:fs"

/** Linux counts in hundredths of a second, whatever the kernel's own tick (`USER_HZ`). */
const millisPerTick = 10

/** User and system time of all its threads so far. */
export const cpuMillis = (pid: number): number => {
  // The second field is the program's name in parentheses, which may hold spaces; utime and stime are 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")
  return (Number(fields[11]) + Number(fields[12])) * millisPerTick
}

export const residentKibibytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
