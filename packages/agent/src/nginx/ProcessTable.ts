/**
 * Processes as /proc shows them. A pid alone names nobody for long, so a process is its pid and its start time
 * (proc_pid_stat(5), field 22). The reads are synchronous: /proc is memory, and the proof polls it every 2 ms.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs"

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks from boot to the start of the process. */
  readonly startTicks: string
}

export interface ProcessStat {
  readonly parentPid: number
  readonly startTicks: string
  /** `Z` and `X` are dead: nobody has collected them yet. */
  readonly state: string
}

/** Parses /proc/PID/stat. The command may hold spaces and parentheses, so the fields are counted from the last `)`. */
export const parseStat = (text: string): ProcessStat | null => {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const [state, parent] = fields
  const startTicks = fields[19]
  return state === undefined || parent === undefined || startTicks === undefined
    ? null
    : { state, parentPid: Number(parent), startTicks }
}

const quietly = <A>(read: () => A): A | null => {
  try {
    return read()
  } catch {
    return null // the process ended, or it is not ours to read: both mean "not known"
  }
}

export const stat = (pid: number): ProcessStat | null => {
  const text = quietly(() => readFileSync(`/proc/${pid}/stat`, "latin1"))
  const parsed = text === null ? null : parseStat(text)
  return parsed === null || parsed.state === "Z" || parsed.state === "X" ? null : parsed
}

export const identify = (pid: number): ProcessIdentity | null => {
  const found = stat(pid)
  return found === null ? null : { pid, startTicks: found.startTicks }
}

export const isAlive = ({ pid, startTicks }: ProcessIdentity): boolean => stat(pid)?.startTicks === startTicks

/** What `ps` shows; nginx writes its role there. Empty when the process has ended. */
export const title = (pid: number): string =>
  (quietly(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "").replaceAll("\0", " ").trimEnd()

/** Parses `NSpid` of /proc/PID/status: the pid in the namespace of this /proc, and in each one below it. */
export const parseInnerPid = (status: string): number | null => {
  const last = /^NSpid:((?:\s+\d+)+)$/m.exec(status)?.[1]?.trim().split(/\s+/).at(-1)
  return last === undefined ? null : Number(last)
}

/** What a process itself thinks its pid is: another number than ours when it lives in a PID namespace of its own. */
export const innerPid = (pid: number): number | null =>
  parseInnerPid(quietly(() => readFileSync(`/proc/${pid}/status`, "utf8")) ?? "")

/** Where a link of /proc/PID leads (`exe`, `cwd`, `fd/2`), or `null` when it cannot be read. */
export const link = (pid: number, name: string): string | null => quietly(() => readlinkSync(`/proc/${pid}/${name}`))

/** The control groups of a process (cgroups(7)), or `null` when they cannot be read. */
export const cgroup = (pid: number): string | null => quietly(() => readFileSync(`/proc/${pid}/cgroup`, "utf8"))

const numbers = (names: ReadonlyArray<string>): ReadonlyArray<number> =>
  names.filter((name) => /^\d+$/.test(name)).map(Number)

export const allPids = (): ReadonlyArray<number> => numbers(quietly(() => readdirSync("/proc")) ?? [])

/**
 * Children of a process. The kernel may leave one out when another exits during the read (proc_pid_children(5)), so it is
 * read twice; kernels without that file are answered by a walk of /proc.
 */
export const children = (pid: number): ReadonlyArray<ProcessIdentity> => {
  const read = () => quietly(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1"))
  const first = read()
  const pids =
    first === null
      ? allPids().filter((candidate) => stat(candidate)?.parentPid === pid)
      : [...new Set(numbers(`${first} ${read() ?? ""}`.split(" ")))]
  return pids.flatMap((child) => identify(child) ?? [])
}

/** Inodes of the sockets that a process holds open. */
export const socketInodes = (pid: number): ReadonlySet<string> => {
  const names = quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  return new Set(names.flatMap((name) => /^socket:\[(\d+)\]$/.exec(link(pid, `fd/${name}`) ?? "")?.[1] ?? []))
}

export interface UnixSocket {
  readonly inode: string
  readonly path: string
}

/** Parses /proc/net/unix: the bound sockets, by inode. */
export const parseUnixSockets = (text: string): ReadonlyArray<UnixSocket> =>
  text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const match = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.*)$/.exec(line)
      return match?.[1] === undefined || match[2] === undefined ? [] : [{ inode: match[1], path: match[2] }]
    })

export const unixSockets = (): ReadonlyArray<UnixSocket> =>
  parseUnixSockets(quietly(() => readFileSync("/proc/net/unix", "utf8")) ?? "")
