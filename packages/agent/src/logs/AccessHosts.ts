/**
 * Which virtual host answered a request, and by which of its locations, from what the log says of its server. Pure.
 *
 * Source: nginx documentation of ngx_http_core_module, "location". Where a regular expression of the host's may have
 * decided, the location is not known: a tenant's expressions are nginx's to run, not the agent's.
 */
import { serverNames } from "@nxmesh/protocol/model/NginxText"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"

interface LocationPath {
  readonly modifier: "=" | "^~" | "~" | ""
  readonly prefix: string
  /** As the model writes it. */
  readonly path: string
}

export interface AccessHost {
  readonly id: VirtualHost["id"]
  readonly name: string
  readonly locations: ReadonlyArray<LocationPath>
}

export type AccessHosts = ReadonlyMap<string, AccessHost>

const key = (serverName: string, port: string | number): string => `${port} ${serverName}`

const locationPath = (path: string): LocationPath => {
  const [, modifier = "", prefix = path] = /^(?:(=|\^~|~\*|~) )?(.*)$/s.exec(path) ?? []
  return { modifier: modifier === "~*" ? "~" : (modifier as LocationPath["modifier"]), prefix, path }
}

/** `$server_name` is the first name of a server; of two of one name and port nginx serves the first. */
export const accessHosts = (bundle: Bundle): AccessHosts => {
  const hosts = new Map<string, AccessHost>()
  for (const resource of bundle.resources) {
    if (resource._tag !== "virtual_host" || !resource.data.enabled) continue
    const { id, listen_port, locations, name, redirect_http, server_name, ssl_enabled } = resource.data
    const host: AccessHost = { id, name, locations: locations.map(({ path }) => locationPath(path)) }
    const [first] = serverNames(server_name)
    if (first === undefined) continue
    const ports = ssl_enabled && redirect_http ? [listen_port, 80] : [listen_port]
    for (const port of ports) {
      const at = key(first, port)
      if (!hosts.has(at)) hosts.set(at, host)
    }
  }
  return hosts
}

export const hostOf = (hosts: AccessHosts, serverName: string, serverPort: string): AccessHost | null =>
  hosts.get(key(serverName, serverPort)) ?? null

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // %XX that is no UTF-8: compared as it was sent
  }
}

/** The path as nginx looks for a location by: without query, decoded, slashes merged, dots resolved. */
export const normalizedPath = (uri: string): string => {
  const path = decoded(uri.split(/[?#]/, 1)[0] ?? "")
  const parts: Array<string> = []
  const raw = path.split("/").slice(1)
  for (const part of raw) {
    if (part === "..") parts.pop()
    else if (part !== "." && part !== "") parts.push(part)
  }
  const last = raw.at(-1)
  const isDirectory = last === "" || last === "." || last === ".."
  return `/${parts.join("/")}${isDirectory && parts.length > 0 ? "/" : ""}`
}

/** The location's path; `null` where none fits or a regular expression may have decided. */
export const locationOf = ({ locations }: AccessHost, uri: string): string | null => {
  const path = normalizedPath(uri)
  const exact = locations.find(({ modifier, prefix }) => modifier === "=" && prefix === path)
  if (exact !== undefined) return exact.path
  let best: LocationPath | null = null
  for (const location of locations) {
    const isPrefix = location.modifier === "" || location.modifier === "^~"
    if (isPrefix && path.startsWith(location.prefix) && location.prefix.length > (best?.prefix.length ?? -1)) {
      best = location
    }
  }
  const expressions = locations.some(({ modifier }) => modifier === "~")
  return best === null || (expressions && best.modifier !== "^~") ? null : best.path
}
