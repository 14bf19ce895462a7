import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** A process, told apart from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: string
}

const startTimeOf = (pid: number): string | undefined => {
  try {
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
    return state === "Z" ? undefined : rest[18]
  } catch {
    return undefined
  }
}

export const identify = (pid: number): ProcessIdentity | undefined => {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

export const isAlive = (process: ProcessIdentity): boolean => startTimeOf(process.pid) === process.startTime

/** The command line, or the title that the program gave itself. */
export const titleOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
  } catch {
    return ""
  }
}

const signal = (target: ProcessIdentity, name: NodeJS.Signals): void => {
  try {
    if (isAlive(target)) process.kill(target.pid, name)
  } catch {
    // It ended between the look and the signal.
  }
}

/** Asks a process to end, and kills it when it has not ended in time. */
export const endProcess = async (
  target: ProcessIdentity,
  ask: NodeJS.Signals,
  patienceMillis: number
): Promise<void> => {
  signal(target, ask)
  const deadline = performance.now() + patienceMillis
  while (isAlive(target) && performance.now() < deadline) await sleep(20)
  signal(target, "SIGKILL")
}
