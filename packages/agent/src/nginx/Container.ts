/**
 * An nginx in a mount namespace of its own, as a sidecar's agent reaches it: by /proc/PID/root (proc_pid_root(5)). That needs the
 * same uid and no fewer capabilities than nginx has (ptrace(2), "Ptrace access mode checking"); to run nginx's binary there
 * needs CAP_SYS_CHROOT besides, which Docker's default set has.
 */
import { existsSync, lstatSync, readlinkSync } from "node:fs"
import { dirname, isAbsolute, join } from "node:path"
import { Limits } from "../Limits.ts"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import type { NginxCommand } from "./NginxProcess.ts"
import * as ProcessTable from "./ProcessTable.ts"

/** The running master whose binary this is; `null` for a file on disk. */
const masterPid = ({ executable }: NginxCommand): number | null => {
  const match = /^\/proc\/(\d+)\/exe$/.exec(executable)
  return match === null ? null : Number(match[1])
}

/** Where the paths of this nginx begin; `null` when they are the agent's own. */
export const rootOf = (instance: NginxInstanceSettings, nginx: NginxCommand): string | null => {
  const pid = instance.sidecar === true ? masterPid(nginx) : null
  return pid === null ? null : `/proc/${pid}/root`
}

/** The master's binary by a path inside its root. Its own /proc names the very binary that runs, also after a replacement. */
export const executableInside = (nginx: NginxCommand): string => {
  const pid = masterPid(nginx) ?? 0
  const inside = `/proc/${ProcessTable.innerPid(pid) ?? pid}/exe`
  if (existsSync(`/proc/${pid}/root${inside}`)) return inside
  return ProcessTable.link(pid, "exe")?.replace(/ \(deleted\)$/, "") ?? "/usr/sbin/nginx"
}

const linkAt = (path: string): string | null => {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null
  } catch {
    return null // what is not there, or not ours to see, is no link
  }
}

/**
 * The agent's path of what `path` names inside `root`. Links are followed here, one by one, because the kernel would lead an
 * absolute one to the agent's own files. Throws on a chain that is too long to end.
 */
export const pathInside = (root: string, path: string): string => {
  let pending = path.split("/").filter((part) => part !== "")
  let inside = "/"
  let links = 0
  while (pending.length > 0) {
    const [part = "", ...rest] = pending
    pending = rest
    if (part === ".") continue
    const next = part === ".." ? dirname(inside) : join(inside, part)
    const target = part === ".." ? null : linkAt(root + next)
    if (target === null) {
      inside = next
      continue
    }
    links += 1
    if (links > Limits.linksFollowedMax) throw new Error(`too many symbolic links in ${path}`)
    if (isAbsolute(target)) inside = "/"
    pending = [...target.split("/").filter((step) => step !== ""), ...rest]
  }
  return root + inside
}
