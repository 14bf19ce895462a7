/**
 * Virtual hosts that cannot be served side by side by one nginx, although each is right by itself. Computed over the
 * hosts of one agent's effective bundle.
 *
 * Seen on nginx 1.22 (design-nginx.md, "One socket, many hosts"): of two servers with one name on one port nginx serves
 * the first and only warns; on a port with TLS and without it the plain host answers 400; a port expects the PROXY
 * protocol of every connection or of none. Before nginx 1.25.1 HTTP/2 is a property of the port too, and is no clash
 * here: hosts are changed one at a time, so two that share a port could never be switched on. The renderer gives
 * HTTP/2 to the whole port there and says so in a warning (`Sockets.socketWarnings`).
 */
import { serverNames } from "@nxmesh/protocol/model/NginxText"
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"

export interface Clash {
  /** The field to change, of the last host named. */
  readonly field: "server_name" | "listen_port" | "redirect_http" | "real_ip"
  readonly message: string
  /** The two that clash, in the order of the input. */
  readonly hosts: readonly [ResourceReference, ResourceReference]
}

export type ClashingHost = Pick<
  VirtualHost,
  "id" | "name" | "enabled" | "server_name" | "listen_port" | "ssl_enabled" | "redirect_http" | "real_ip"
>

interface Use {
  readonly port: number
  readonly tls: boolean
  readonly proxyProtocol: boolean
  /** The port is not the host's own but that of its redirect to HTTPS. */
  readonly redirect: boolean
}

const usesOf = (host: ClashingHost): ReadonlyArray<Use> => {
  const proxyProtocol = host.real_ip?.header === "proxy_protocol"
  const own: Use = { port: host.listen_port, tls: host.ssl_enabled, proxyProtocol, redirect: false }
  if (!host.ssl_enabled || !host.redirect_http) return [own]
  return [own, { port: 80, tls: false, proxyProtocol, redirect: true }]
}

interface Owner {
  readonly host: ClashingHost
  readonly use: Use
}
type Claims = Map<string, Owner>

const reference = (host: ClashingHost): ResourceReference => ({ kind: "virtual_host", id: host.id, name: host.name })

const clash = (field: Clash["field"], earlier: Owner, host: ClashingHost, message: string): Clash => ({
  field,
  message,
  hosts: [reference(earlier.host), reference(host)]
})

const nameClash = (earlier: Owner, host: ClashingHost, use: Use, name: string): Clash =>
  clash(
    use.redirect ? "redirect_http" : "server_name",
    earlier,
    host,
    `${name} on port ${use.port} is already served by virtual host "${earlier.host.name}"`
  )

const tlsClash = (earlier: Owner, host: ClashingHost, use: Use): Clash => {
  const spoken = (tls: boolean) => (tls ? "TLS" : "plain HTTP")
  const message = `port ${use.port} is used with ${spoken(earlier.use.tls)} by virtual host "${earlier.host.name}" and cannot speak ${spoken(use.tls)} too`
  return clash(use.redirect ? "redirect_http" : "listen_port", earlier, host, message)
}

const proxyProtocolClash = (earlier: Owner, host: ClashingHost, use: Use): Clash => {
  const expects = (proxyProtocol: boolean) => (proxyProtocol ? "expects" : "does not expect")
  const message = `virtual host "${earlier.host.name}" ${expects(earlier.use.proxyProtocol)} the PROXY protocol on port ${use.port}, which holds for the whole port`
  return clash("real_ip", earlier, host, message)
}

/** Claims what `host` needs and answers the claims that others hold. One pass, constant work per name. */
const claim = (claims: Claims, host: ClashingHost): ReadonlyArray<Clash> => {
  if (!host.enabled) return []
  const found: Array<Clash> = []
  const take = (key: string, use: Use): Owner | null => {
    const earlier = claims.get(key)
    if (earlier === undefined) claims.set(key, { host, use })
    return earlier === undefined || earlier.host.id === host.id ? null : earlier
  }
  const names = serverNames(host.server_name)
  for (const use of usesOf(host)) {
    const socket = take(`socket ${use.port}`, use)
    if (socket !== null && socket.use.tls !== use.tls) found.push(tlsClash(socket, host, use))
    if (socket !== null && socket.use.proxyProtocol !== use.proxyProtocol) {
      found.push(proxyProtocolClash(socket, host, use))
    }
    for (const name of names) {
      const owner = take(`name ${use.port} ${name}`, use)
      if (owner !== null) found.push(nameClash(owner, host, use, name))
    }
  }
  return found
}

/** All clashes among hosts; each host against the first that holds what it needs. */
export const clashes = (hosts: Iterable<ClashingHost>): ReadonlyArray<Clash> => {
  const claims: Claims = new Map()
  const found: Array<Clash> = []
  for (const host of hosts) found.push(...claim(claims, host))
  return found
}

/** The clashes of one host with others; an earlier form of the host itself among them does not count. */
export const clashesOf = (host: ClashingHost, others: Iterable<ClashingHost>): ReadonlyArray<Clash> => {
  const claims: Claims = new Map()
  for (const other of others) if (other.id !== host.id) claim(claims, other)
  return claim(claims, host)
}
