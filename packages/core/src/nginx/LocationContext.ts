/** One location as templates see it. */
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { Header, Location, ProxySettings, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { BundleIndex } from "./BundleIndex.ts"
import { targetName, upstreamName } from "./GeneratedNames.ts"
import { defaultPort, hostPort, isAddress, parseProxyUrl, splitBackend } from "./ProxyUrl.ts"
import { effectiveRateLimit } from "./RateLimit.ts"
import { RawDirectives, Words } from "./TemplateValue.ts"
import type { TemplateRecord } from "./TemplateValue.ts"

/** A backend that a location names by URL and that is no address: it gets an upstream of the host's own. */
export interface Target {
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface LocationInContext {
  readonly record: TemplateRecord
  readonly target: Target | null
}

/** A prefix, or a modifier and what it applies to: nginx takes them as two arguments. */
export const locationWords = (path: string): Words => {
  const match = /^(=|\^~|~\*|~) (.*)$/s.exec(path)
  return new Words(match === null ? [path] : [String(match[1]), String(match[2])])
}

interface Backend {
  /** As `proxy_pass` takes it. */
  readonly url: string
  /** What stands for the host in it. */
  readonly authority: string
  /** The Host header of a request that does not forward the client's. */
  readonly host: string
  /** The name to ask for in a TLS handshake; `null` for plain HTTP. */
  readonly tlsName: string | null
  readonly target: Target | null
}

/** The one host name that all servers of an upstream share; otherwise the name the client asked for. */
const upstreamTlsName = (upstream: Upstream): string => {
  const hosts = new Set(upstream.servers.map(({ address }) => splitBackend(address).host))
  const [only = ""] = hosts
  return hosts.size === 1 && !isAddress(only) ? only : "$host"
}

const upstreamBackend = (upstream: Upstream, scheme: "http" | "https", path: string): Backend => {
  const authority = upstreamName(upstream)
  const tlsName = scheme === "https" ? upstreamTlsName(upstream) : null
  return { url: `${scheme}://${authority}${path}`, authority, host: upstream.name, tlsName, target: null }
}

const backendOf = (host: VirtualHost, location: Location, index: BundleIndex): Backend | null => {
  if (location.upstream_id !== null) {
    const upstream = index.upstreamById(location.upstream_id)
    return upstream === null ? null : upstreamBackend(upstream, "http", "")
  }
  const url = location.proxy_pass === null ? null : parseProxyUrl(location.proxy_pass)
  if (url === null) return null
  const named = url.isAddress || url.port !== null ? null : index.upstreamByName(host.workspace_id, url.host)
  if (named !== null) return upstreamBackend(named, url.scheme, url.path)
  const port = url.port ?? defaultPort(url.scheme)
  const asWritten = url.port === null ? hostPort(url.host, port).replace(/:\d+$/, "") : hostPort(url.host, port)
  const tlsName = url.scheme === "https" ? url.host : null
  if (url.isAddress) {
    const authority = hostPort(url.host, port)
    return { url: `${url.scheme}://${authority}${url.path}`, authority, host: asWritten, tlsName: null, target: null }
  }
  const target = { name: targetName(host.id, url.host, port), host: url.host, port }
  return { url: `${url.scheme}://${target.name}${url.path}`, authority: target.name, host: asWritten, tlsName, target }
}

const seconds = (value: number | null) => (value === null ? null : `${value}s`)

const proxyFields = (proxy: ProxySettings): TemplateRecord => ({
  proxy_connect_timeout: seconds(proxy.connect_timeout_seconds),
  proxy_send_timeout: seconds(proxy.send_timeout_seconds),
  proxy_read_timeout: seconds(proxy.read_timeout_seconds),
  proxy_buffering: proxy.buffering,
  proxy_buffer_size: proxy.buffer_size_kib === null ? null : `${proxy.buffer_size_kib}k`,
  forwarded_headers: proxy.forwarded_headers
})

/** Where a single-page application's page is, for a location: beside its path, or at the root for an expression. */
const fallbackOf = (location: Location): string => {
  const [page = "index.html"] = (location.index ?? "index.html").split(" ")
  const prefix = /^(?:(?:=|\^~) )?(\/.*)$/s.exec(location.path)?.[1] ?? "/"
  return `${prefix.replace(/[^/]*$/, (last) => (last === "" ? "" : `${last}/`))}${page.replace(/^\/+/, "")}`
}

/**
 * The named location that gives a fixed answer where something guards it, or `null`. nginx handles `return` before it
 * looks at access rules and rate limits (ngx_http_rewrite_module runs in an earlier phase), so the answer is put behind
 * a `try_files`, which comes after them.
 */
const guardOf = (host: VirtualHost, location: Location, at: number): string | null => {
  const isGuarded =
    location.access_rules.length > 0 || host.access_rules.length > 0 || effectiveRateLimit(host) !== null
  return location.return !== null && isGuarded ? `@nxmesh_answer_${at}` : null
}

/**
 * `inherited` are the headers that the server adds. nginx drops them all in a location that adds one of its own
 * (ngx_http_headers_module), so such a location repeats them. Access rules go the same way (ngx_http_access_module): a
 * location's own come first, then its host's.
 */
export const locationContext = (
  host: VirtualHost,
  at: number,
  location: Location,
  index: BundleIndex,
  inherited: ReadonlyArray<Header>
): LocationInContext => {
  const backend = backendOf(host, location, index)
  const headers = location.custom_headers.length === 0 ? [] : [...location.custom_headers, ...inherited]
  const accessRules = location.access_rules.length === 0 ? [] : [...location.access_rules, ...host.access_rules]
  const record: TemplateRecord = {
    location_path: locationWords(location.path),
    proxy_pass: backend?.url ?? null,
    upstream_name: backend?.authority ?? null,
    proxy_host: backend === null ? null : location.proxy.forwarded_headers ? "$host" : backend.host,
    proxy_ssl_name: backend?.tlsName ?? null,
    root: location.root,
    index: location.index === null ? null : new Words(location.index.split(" ")),
    fallback: fallbackOf(location),
    return: location.return === null ? null : { ...location.return },
    custom_headers: location.custom_headers.map((header) => ({ ...header })),
    headers: headers.map((header) => ({ ...header })),
    rewrite_rules: location.rewrite_rules.map((rule) => ({ ...rule })),
    guard: guardOf(host, location, at),
    access_rules: accessRules.map((rule) => ({ ...rule })),
    websocket: location.websocket,
    ...proxyFields(location.proxy),
    snippet: location.snippet === null ? null : new RawDirectives(location.snippet)
  }
  return { record, target: backend?.target ?? null }
}
