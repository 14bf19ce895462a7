/** Descriptors that nginx's processes hold, and their limits (proc_pid_fd(5), proc_pid_limits(5)): at the limit nginx refuses clients. */
import { readdirSync, readFileSync, statSync } from "node:fs"

export interface OpenFiles {
  readonly open: number
  /** The soft limit; `null`: unlimited. */
  readonly limit: number | null
}

/** The soft limit of `Max open files`; `undefined` when the text has none. */
export const parseLimit = (limits: string): number | null | undefined => {
  const found = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1]
  if (found === undefined) return undefined
  return found === "unlimited" ? null : Number(found)
}

/** Linux tells the number as the directory's size since 6.2; before, its entries are counted. */
const countOpen = (directory: string): number => {
  const { size } = statSync(directory)
  return size > 0 ? size : readdirSync(directory).length
}

/** Of one process; `null` when it has ended or is not ours to ask. */
export const openFilesOf = (pid: number): OpenFiles | null => {
  try {
    const limit = parseLimit(readFileSync(`/proc/${pid}/limits`, "latin1"))
    return limit === undefined ? null : { open: countOpen(`/proc/${pid}/fd`), limit }
  } catch {
    return null
  }
}

export interface OpenFilesTotal {
  /** Of all processes together. */
  readonly open: number
  /** The least limit that any of them has; `null`: none has one. */
  readonly limit: number | null
  /** Share of its limit in use in the process that is nearest to it. */
  readonly fullest: number
}

/** `null` when no process could be asked. */
export const totalOf = (processes: ReadonlyArray<OpenFiles | null>): OpenFilesTotal | null => {
  const known = processes.filter((one) => one !== null)
  if (known.length === 0) return null
  const limits = known.flatMap(({ limit }) => (limit === null ? [] : [limit]))
  return {
    open: known.reduce((sum, { open }) => sum + open, 0),
    limit: limits.length === 0 ? null : Math.min(...limits),
    fullest: Math.max(0, ...known.map(({ limit, open }) => (limit === null || limit === 0 ? 0 : open / limit)))
  }
}
