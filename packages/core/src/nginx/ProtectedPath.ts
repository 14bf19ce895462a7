/** Directories that nginx must not serve files from, because they hold keys, secrets or the system itself. */

const system = ["/boot", "/dev", "/etc", "/proc", "/root", "/run", "/sys", "/var/run", "/var/lib/nxmesh", "/var/log"]

/** Without `.`, `..`, doubled and trailing slashes. */
export const normalPath = (path: string): string => {
  const parts: Array<string> = []
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue
    if (part === "..") parts.pop()
    else parts.push(part)
  }
  return `/${parts.join("/")}`
}

export const isWithin = (path: string, directory: string): boolean => {
  const outer = normalPath(directory)
  return outer === "/" || path === outer || path.startsWith(`${outer}/`)
}

/**
 * Why files may not be served from `path`; `null` when they may. A directory above a protected one is refused as well:
 * its files would be reachable through it.
 */
export const serveProblem = (path: string, ownDirectories: ReadonlyArray<string>): string | null => {
  const fixed = path.replace(/\$(?:\{(?:host|server_name)\}|(?:host|server_name)(?![A-Za-z0-9_]))/g, "x")
  if (fixed.includes("$")) return "may hold no variables but $host and $server_name"
  if (!fixed.startsWith("/")) return "must be an absolute path"
  const normal = normalPath(fixed)
  const hit = [...ownDirectories, ...system].find(
    (directory) => isWithin(normal, directory) || isWithin(directory, normal)
  )
  return hit === undefined ? null : `would serve files of ${normalPath(hit)}`
}
