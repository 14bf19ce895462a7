/**
 * Listening sockets. What a `listen` says holds for its whole address and port, whichever server says it, so the
 * properties of a socket are gathered over all hosts first and every server then says the same.
 *
 * Source: nginx, ngx_http_core_module (`listen`), ngx_http_v2_module, ngx_http_v3_module.
 */
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { hasHttp2, hasHttp2Directive, hasHttp3 } from "./Capabilities.ts"

type ListeningHost = Pick<
  VirtualHost,
  | "id"
  | "name"
  | "listen_port"
  | "listen_ipv6"
  | "ssl_enabled"
  | "redirect_http"
  | "http2_enabled"
  | "http3_enabled"
  | "real_ip"
  | "tls_policy"
>

export interface Socket {
  readonly port: number
  readonly tls: boolean
  /** Some host on it wants an IPv6 listener too. */
  readonly ipv6: boolean
  /** HTTP/2 by a parameter of `listen` (before nginx 1.25.1): all hosts of the socket get it. */
  readonly http2: boolean
  readonly quic: boolean
  readonly proxyProtocol: boolean
}

/** The ports that a host listens on, with what it wants of each. The second is that of its redirect to HTTPS. */
export const socketsOf = (host: ListeningHost, nginx: NginxCapabilities): ReadonlyArray<Socket> => {
  const proxyProtocol = host.real_ip?.header === "proxy_protocol"
  const own: Socket = {
    port: host.listen_port,
    tls: host.ssl_enabled,
    ipv6: host.listen_ipv6,
    http2: host.ssl_enabled && host.http2_enabled && hasHttp2(nginx) && !hasHttp2Directive(nginx),
    quic: host.ssl_enabled && host.http3_enabled && hasHttp3(nginx),
    proxyProtocol
  }
  if (!host.ssl_enabled || !host.redirect_http) return [own]
  return [own, { port: 80, tls: false, ipv6: host.listen_ipv6, http2: false, quic: false, proxyProtocol }]
}

export type SocketPlan = ReadonlyMap<number, Socket>

export const planSockets = (hosts: ReadonlyArray<ListeningHost>, nginx: NginxCapabilities): SocketPlan => {
  const plan = new Map<number, Socket>()
  for (const host of hosts) {
    for (const socket of socketsOf(host, nginx)) {
      const known = plan.get(socket.port)
      plan.set(socket.port, known === undefined ? socket : union(known, socket))
    }
  }
  return new Map(Array.from(plan).sort(([left], [right]) => left - right))
}

const union = (left: Socket, right: Socket): Socket => ({
  port: left.port,
  tls: left.tls || right.tls,
  ipv6: left.ipv6 || right.ipv6,
  http2: left.http2 || right.http2,
  quic: left.quic || right.quic,
  proxyProtocol: left.proxyProtocol || right.proxyProtocol
})

const unknownSocket = (port: number): Socket => ({
  port,
  tls: false,
  ipv6: false,
  http2: false,
  quic: false,
  proxyProtocol: false
})
export const socketAt = (plan: SocketPlan, port: number): Socket => plan.get(port) ?? unknownSocket(port)

/** The arguments of each `listen` of one server. `extra` go to every one of them. */
export const listenArguments = (
  socket: Socket,
  wants: { readonly tls: boolean; readonly ipv6: boolean; readonly quic: boolean; readonly reuseport?: boolean },
  extra: ReadonlyArray<string> = []
): ReadonlyArray<ReadonlyArray<string>> => {
  const addresses = [String(socket.port), ...(wants.ipv6 ? [`[::]:${socket.port}`] : [])]
  const stream = [
    ...(wants.tls ? ["ssl"] : []),
    ...(wants.tls && socket.http2 ? ["http2"] : []),
    ...(socket.proxyProtocol ? ["proxy_protocol"] : [])
  ]
  const overTcp = addresses.map((address) => [address, ...stream, ...extra])
  const overQuic = wants.quic
    ? addresses.map((address) => [address, "quic", ...(wants.reuseport === true ? ["reuseport"] : []), ...extra])
    : []
  return [...overTcp, ...overQuic]
}

/** What an operator should know of sockets that hosts share; nothing here keeps nginx from serving. */
export const socketWarnings = (
  hosts: ReadonlyArray<ListeningHost>,
  nginx: NginxCapabilities
): ReadonlyArray<string> => {
  const warnings: Array<string> = []
  const byPort = new Map<number, Array<ListeningHost>>()
  for (const host of hosts.filter(({ ssl_enabled }) => ssl_enabled)) {
    const sharing = byPort.get(host.listen_port)
    if (sharing === undefined) byPort.set(host.listen_port, [host])
    else sharing.push(host)
  }
  const wanting = hosts.filter((host) => host.ssl_enabled && host.http3_enabled && !hasHttp3(nginx))
  if (wanting.length > 0)
    warnings.push(`HTTP/3 is not in this nginx (${nginx.version}): ${naming(wanting)} go without it`)
  const without = hosts.filter((host) => host.ssl_enabled && host.http2_enabled && !hasHttp2(nginx))
  if (without.length > 0) warnings.push(`HTTP/2 is not in this nginx: ${naming(without)} go without it`)
  for (const [port, sharing] of byPort) {
    const plain = sharing.filter(({ http2_enabled }) => !http2_enabled)
    if (hasHttp2(nginx) && !hasHttp2Directive(nginx) && plain.length > 0 && plain.length < sharing.length) {
      warnings.push(`before nginx 1.25.1 HTTP/2 holds for a whole port: ${naming(plain)} speak it too on port ${port}`)
    }
    const modern = sharing.filter(({ tls_policy }) => tls_policy === "modern")
    if (modern.length > 0 && modern.length < sharing.length) {
      warnings.push(
        `port ${port} accepts TLS 1.2 for hosts with the intermediate policy, so a handshake may use it for ${naming(modern)} too`
      )
    }
  }
  return warnings
}

const naming = (hosts: ReadonlyArray<{ readonly name: string }>): string =>
  hosts
    .slice(0, 5)
    .map(({ name }) => name)
    .join(", ") + (hosts.length > 5 ? ` and ${hosts.length - 5} more` : "")
