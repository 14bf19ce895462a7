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

/** Stands for a name without addresses: the discard port, never connected to because the server is down. */
const placeholder = "127.0.0.1:9"

/** Lines of `server` for one backend, sorted so that the order of DNS answers changes nothing. */
export const serverLines = (
  depth: number,
  host: string,
  port: number,
  parameters: ReadonlyArray<string>,
  addresses: Addresses
): string => {
  if (isAddress(host)) return directive(depth, "server", hostPort(host, port), ...parameters)
  const known = addresses.get(host)?.filter((address) => isAddress(address) || address === host)
  if (known === undefined || known.length === 0) {
    const reason = known === undefined ? "is not resolved yet" : "has no address"
    const rest = parameters.filter((parameter) => parameter !== "down" && parameter !== "backup")
    return comment(depth, `${host} ${reason}`) + directive(depth, "server", placeholder, ...rest, "down")
  }
  const lines = Array.from(new Set(known))
    .sort()
    .map((address) => directive(depth, "server", hostPort(address, port), ...parameters))
  return comment(depth, host) + lines.join("")
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

export const upstreamBlock = (upstream: Upstream, addresses: Addresses): string => {
  const servers = upstream.servers.map((server) => {
    const { host, port } = splitBackend(server.address)
    return serverLines(1, host, port, serverParameters(server), addresses)
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
