/**
 * What a virtual host claims of an agent's sockets, as keys that an index can hold. Two hosts on one agent are in each
 * other's way exactly when one has a key among the other's rival keys, so a store finds them without comparing pairs.
 *
 * Server names are looked up per port; TLS and the PROXY protocol are properties of the whole socket in nginx
 * (ngx_http_core_module, `listen`), so every host on a port must have the same.
 */
import { serverNames } from "@nxmesh/protocol/model/NginxText"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"

/** The fields of a host that decide what it listens on. */
export type Listening = Pick<VirtualHost, "listen_port" | "real_ip" | "redirect_http" | "server_name" | "ssl_enabled">

const transports = ["plain", "tls", "plain+proxy_protocol", "tls+proxy_protocol"] as const
type Transport = (typeof transports)[number]

interface Socket {
  readonly field: "listen_port" | "redirect_http"
  readonly port: number
  readonly transport: Transport
}

const socketsOf = (host: Listening): ReadonlyArray<Socket> => {
  const proxied = host.real_ip?.header === "proxy_protocol"
  const own: Socket = {
    field: "listen_port",
    port: host.listen_port,
    transport: `${host.ssl_enabled ? "tls" : "plain"}${proxied ? "+proxy_protocol" : ""}`
  }
  if (!host.redirect_http) return [own]
  return [own, { field: "redirect_http", port: 80, transport: proxied ? "plain+proxy_protocol" : "plain" }]
}

export interface ListenKey {
  readonly key: string
  /** The field of the host that makes the claim. */
  readonly field: "listen_port" | "redirect_http" | "server_name"
  /** Completes "… on port 443" in a message. */
  readonly what: string
}

const nameKey = (port: number, name: string) => `name:${port}:${name}`
const transportKey = (port: number, transport: Transport) => `transport:${port}:${transport}`

/** What the host occupies: one key per port and name, and one per port and transport. */
export const listenKeys = (host: Listening): ReadonlyArray<string> =>
  socketsOf(host).flatMap(({ port, transport }) => [
    transportKey(port, transport),
    ...serverNames(host.server_name).map((name) => nameKey(port, name))
  ])

/** What must not be occupied by another host on the same agent. */
export const rivalKeys = (host: Listening): ReadonlyArray<ListenKey> =>
  socketsOf(host).flatMap(({ field, port, transport }) => [
    ...serverNames(host.server_name).map((name): ListenKey => ({
      key: nameKey(port, name),
      field: field === "listen_port" ? "server_name" : field,
      what: `answers for ${name} on port ${port}`
    })),
    ...transports
      .filter((other) => other !== transport)
      .map((other): ListenKey => ({
        key: transportKey(port, other),
        field,
        what: `${describe(other)} on port ${port}, where this host ${describe(transport)}`
      }))
  ])

const describe = (transport: Transport): string => {
  const [kind, proxied] = transport.split("+")
  return `speaks ${kind === "tls" ? "TLS" : "plain HTTP"}${proxied === undefined ? "" : " behind the PROXY protocol"}`
}
