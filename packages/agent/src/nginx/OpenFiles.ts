/** Files that a process has open, by the names that they have now (proc_pid_fd(5)). Empty for what is not ours to see. */
import { readdirSync } from "node:fs"
import * as ProcessTable from "./ProcessTable.ts"

const descriptors = (pid: number): ReadonlyArray<string> => {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch {
    return [] // it ended, or it is another user's
  }
}

/** Absolute paths; one that was removed ends with ` (deleted)`. */
export const openFiles = (pid: number): ReadonlySet<string> =>
  new Set(
    descriptors(pid)
      .map((descriptor) => ProcessTable.link(pid, `fd/${descriptor}`) ?? "")
      .filter((path) => path.startsWith("/") && !path.startsWith("/dev/"))
  )
