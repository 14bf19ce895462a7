/**
 * What a virtual host claims of an agent's sockets, as keys that an index can hold. Two hosts on one agent clash
 * exactly when one has a key among the other's rival keys, so a store finds them without comparing pairs. Which they
 * are and what to say of them is `core/nginx/Clash`.
 */
import type { ClashingHost } from "@nxmesh/core/nginx/Clash"
import { serverNames } from "@nxmesh/protocol/model/NginxText"

/** The fields of a host that decide what it listens on. */
export type Listening = Pick<ClashingHost, "listen_port" | "real_ip" | "redirect_http" | "server_name" | "ssl_enabled">

const transports = ["plain", "tls", "plain+proxy_protocol", "tls+proxy_protocol"] as const
type Transport = (typeof transports)[number]

const socketsOf = (host: Listening): ReadonlyArray<readonly [port: number, transport: Transport]> => {
  const proxied = host.real_ip?.header === "proxy_protocol" ? "+proxy_protocol" : ""
  const own = [host.listen_port, `${host.ssl_enabled ? "tls" : "plain"}${proxied}`] as const
  return host.ssl_enabled && host.redirect_http ? [own, [80, `plain${proxied}`]] : [own]
}

const nameKeys = (host: Listening, port: number) => serverNames(host.server_name).map((name) => `name:${port}:${name}`)
const transportKey = (port: number, transport: Transport) => `transport:${port}:${transport}`

/** What the host occupies: one key per port and name, and one per port and transport. */
export const listenKeys = (host: Listening): ReadonlyArray<string> =>
  socketsOf(host).flatMap(([port, transport]) => [transportKey(port, transport), ...nameKeys(host, port)])

/** What must not be occupied by another host on the same agent. */
export const rivalKeys = (host: Listening): ReadonlyArray<string> =>
  socketsOf(host).flatMap(([port, transport]) => [
    ...nameKeys(host, port),
    ...transports.filter((other) => other !== transport).map((other) => transportKey(port, other))
  ])
