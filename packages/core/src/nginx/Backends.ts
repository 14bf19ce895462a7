/**
 * Upstream blocks. nginx resolves a host name once, while it reads its configuration, and refuses to start when it
 * cannot; so the agent resolves names, and addresses are rendered. A name without addresses becomes a server that is
 * `down`: the configuration stays valid, and requests get 502 until the name resolves.
 *
 * Source: nginx, ngx_http_upstream_module.
 */
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { Upstream, UpstreamServer } from "@nxmesh/protocol/model/Upstream"
import { comment, directive } from "./Argument.ts"
import { upstreamName } from "./GeneratedNames.ts"
import { hostPort, isAddress, parseProxyUrl, splitBackend } from "./ProxyUrl.ts"
import { indexBundle } from "./BundleIndex.ts"
import { namedUpstream } from "./UpstreamReference.ts"

/**
 * Resolved host names (lower-case) to literal addresses. A missing name is not resolved yet; an empty list is none. A
 * preview may give a name for itself, to show it in place of addresses.
 */
export type Addresses = ReadonlyMap<string, ReadonlyArray<string>>

/**
 * Servers to leave out for now, as `backendKey` names them: what a health check found, on top of what an upstream says itself.
 */
export type DownServers = ReadonlySet<string>

/** One address of one upstream's servers. */
export const backendKey = (upstreamId: string, address: string, port: number): string =>
  `${upstreamId} ${hostPort(address, port)}`

/** Stands for a name without addresses: the discard port, never connected to because the server is down. */
const placeholder = "127.0.0.1:9"

/** Lines of `server` for one backend, sorted so that the order of DNS answers changes nothing. */
export const serverLines = (
  depth: number,
  host: string,
  port: number,
  parameters: ReadonlyArray<string>,
  addresses: Addresses,
  isDown: (address: string) => boolean = () => false
): string => {
  const line = (address: string) => {
    const down = isDown(address) && !parameters.includes("down") ? ["down"] : []
    return directive(depth, "server", hostPort(address, port), ...parameters, ...down)
  }
  if (isAddress(host)) return line(host)
  const known = addresses.get(host)?.filter((address) => isAddress(address) || address === host)
  if (known === undefined || known.length === 0) {
    const reason = known === undefined ? "is not resolved yet" : "has no address"
    const rest = parameters.filter((parameter) => parameter !== "down" && parameter !== "backup")
    return comment(depth, `${host} ${reason}`) + directive(depth, "server", placeholder, ...rest, "down")
  }
  return comment(depth, host) + Array.from(new Set(known)).sort().map(line).join("")
}

const serverParameters = (server: UpstreamServer): ReadonlyArray<string> => [
  ...(server.weight === 1 ? [] : [`weight=${server.weight}`]),
  ...(server.max_fails === 1 ? [] : [`max_fails=${server.max_fails}`]),
  ...(server.fail_timeout === 10 ? [] : [`fail_timeout=${server.fail_timeout}s`]),
  ...(server.backup ? ["backup"] : []),
  ...(server.down ? ["down"] : [])
]

/** nginx balances round robin, weighted or not, without a directive. */
const methods = {
  round_robin: "",
  weighted_round_robin: "",
  least_connections: directive(1, "least_conn"),
  ip_hash: directive(1, "ip_hash")
} as const

const addressesOf = (host: string, addresses: Addresses): ReadonlyArray<string> =>
  isAddress(host) ? [host] : (addresses.get(host) ?? []).filter(isAddress)

/** Every address that nginx may send requests to, as `backendKey` names it: not what the upstream itself has down. */
export const backendsOf = (upstream: Upstream, addresses: Addresses): ReadonlyArray<string> => {
  const keys = upstream.servers.flatMap((server) => {
    const { host, port } = splitBackend(server.address)
    return server.down ? [] : addressesOf(host, addresses).map((address) => backendKey(upstream.id, address, port))
  })
  return Array.from(new Set(keys))
}

/**
 * Of `down`, the servers of an upstream that are left out. None when that would be all of them: a server that fails a check may
 * still answer, and one that is left out never does.
 */
export const leftOut = (upstream: Upstream, addresses: Addresses, down: DownServers): DownServers => {
  const all = backendsOf(upstream, addresses)
  const unhealthy = all.filter((key) => down.has(key))
  return new Set(unhealthy.length === all.length ? [] : unhealthy)
}

export const upstreamBlock = (upstream: Upstream, addresses: Addresses, down: DownServers = new Set()): string => {
  const out = down.size === 0 ? down : leftOut(upstream, addresses, down)
  const servers = upstream.servers.map((server) => {
    const { host, port } = splitBackend(server.address)
    const isDown = (address: string) => out.has(backendKey(upstream.id, address, port))
    return serverLines(1, host, port, serverParameters(server), addresses, isDown)
  })
  const keepalive =
    upstream.keepalive_connections === null
      ? ""
      : directive(1, "keepalive", upstream.keepalive_connections) +
        (upstream.keepalive_timeout === null ? "" : directive(1, "keepalive_timeout", `${upstream.keepalive_timeout}s`))
  return [
    comment(0, `upstream ${upstream.name} (${upstream.id})`),
    `upstream ${upstreamName(upstream)} {\n`,
    methods[upstream.algorithm],
    ...servers,
    keepalive,
    "}\n"
  ].join("")
}

/** An upstream block for a backend that a location names by URL. */
export const targetBlock = (name: string, host: string, port: number, addresses: Addresses): string =>
  `upstream ${name} {\n${serverLines(1, host, port, [], addresses)}}\n`

/** Host names that rendering this bundle needs addresses for, lower-case, sorted, each once. */
export const hostNames = (bundle: Bundle): ReadonlyArray<string> => {
  const index = indexBundle(bundle)
  const names = new Set<string>()
  for (const { servers } of index.upstreams) for (const { address } of servers) names.add(splitBackend(address).host)
  for (const host of index.hosts) {
    for (const location of host.locations) {
      const url = location.proxy_pass === null ? null : parseProxyUrl(location.proxy_pass)
      const name = namedUpstream(location)
      const isUpstream = name !== null && index.upstreamByName(host.workspace_id, name) !== null
      if (url !== null && !isUpstream) names.add(url.host)
    }
  }
  return Array.from(names)
    .filter((name) => !isAddress(name))
    .sort()
}
