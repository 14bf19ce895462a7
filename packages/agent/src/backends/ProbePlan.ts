/** Which servers are probed, and how: from the bundle that serves and the addresses that it was rendered with. Pure. */
import { type Addresses, backendKey } from "@nxmesh/core/nginx/Backends"
import type { BundleIndex } from "@nxmesh/core/nginx/BundleIndex"
import { defaultPort, hostPort, isAddress, parseProxyUrl, splitBackend } from "@nxmesh/core/nginx/ProxyUrl"
import { namedUpstream } from "@nxmesh/core/nginx/UpstreamReference"
import type { UpstreamId } from "@nxmesh/protocol/Ids"
import type { HealthCheckConfig, Upstream } from "@nxmesh/protocol/model/Upstream"
import { Limits } from "../Limits.ts"
import type { ProbeRequest } from "../probe/Probe.ts"

export interface Target {
  /** As rendering names it. */
  readonly key: string
  readonly upstreamId: UpstreamId
  readonly upstreamName: string
  /** `address:port`. */
  readonly endpoint: string
  readonly check: HealthCheckConfig
  readonly request: ProbeRequest
}

export interface ProbePlan {
  readonly targets: ReadonlyArray<Target>
  /** Servers that are not probed, because there are too many. */
  readonly omitted: number
}

/**
 * Upstreams that are spoken to by TLS: named by an `https` URL in some location, and plainly in none. What is spoken to both
 * ways is probed plainly.
 */
const tlsUpstreams = ({ hosts, upstreamByName }: BundleIndex): ReadonlySet<UpstreamId> => {
  const tls = new Set<UpstreamId>()
  const plain = new Set<UpstreamId>()
  for (const host of hosts) {
    for (const location of host.locations) {
      const name = namedUpstream(location)
      const named = name === null ? null : upstreamByName(host.workspace_id, name)
      if (location.upstream_id !== null) plain.add(location.upstream_id)
      else if (named !== null && location.proxy_pass !== null) {
        const isTls = parseProxyUrl(location.proxy_pass)?.scheme === "https"
        ;(isTls ? tls : plain).add(named.id)
      }
    }
  }
  return new Set([...tls].filter((id) => !plain.has(id)))
}

/** The Host header that any client would send that was given the server's address. */
const hostHeader = (host: string, port: number, tls: boolean): string =>
  port === defaultPort(tls ? "https" : "http") ? hostPort(host, port).replace(/:\d+$/, "") : hostPort(host, port)

const targetsOf = (upstream: Upstream, tls: boolean, addresses: Addresses): ReadonlyArray<Target> => {
  const check = upstream.health_check
  if (check === null) return []
  return upstream.servers.flatMap((server) => {
    if (server.down) return []
    const { host, port } = splitBackend(server.address)
    const literals = isAddress(host) ? [host] : (addresses.get(host) ?? []).filter(isAddress)
    const timeoutMillis = check.timeout_seconds * 1_000
    return literals.map((address): Target => ({
      key: backendKey(upstream.id, address, port),
      upstreamId: upstream.id,
      upstreamName: upstream.name,
      endpoint: hostPort(address, port),
      check,
      request:
        check.type === "tcp"
          ? { _tag: "Tcp", address, port, timeoutMillis }
          : {
              _tag: "Http",
              address,
              port,
              timeoutMillis,
              path: check.path ?? "/",
              host: hostHeader(host, port, tls),
              tls: tls ? { serverName: isAddress(host) ? null : host } : null
            }
    }))
  })
}

/** Every address once per upstream. */
export const planOf = (index: BundleIndex, addresses: Addresses): ProbePlan => {
  const tls = tlsUpstreams(index)
  const byKey = new Map<string, Target>()
  for (const upstream of index.upstreams) {
    for (const target of targetsOf(upstream, tls.has(upstream.id), addresses)) {
      if (!byKey.has(target.key)) byKey.set(target.key, target)
    }
  }
  const targets = [...byKey.values()]
  return {
    targets: targets.slice(0, Limits.probeTargetsMax),
    omitted: Math.max(0, targets.length - Limits.probeTargetsMax)
  }
}
