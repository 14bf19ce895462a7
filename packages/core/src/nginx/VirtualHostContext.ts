/** A virtual host as templates see it: the variables of MF-003, and all that the built-in templates use. */
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import { serverNames } from "@nxmesh/protocol/model/NginxText"
import type { Header, TlsPolicy, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { BundleIndex } from "./BundleIndex.ts"
import { hasHttp2Directive, hasHttp3, hasKeepaliveMinTimeout } from "./Capabilities.ts"
import { certificateFiles } from "./GeneratedNames.ts"
import { locationContext } from "./LocationContext.ts"
import type { Target } from "./LocationContext.ts"
import { effectiveRateLimit, limitArguments, zoneName } from "./RateLimit.ts"
import { listenArguments, socketAt } from "./Sockets.ts"
import type { SocketPlan } from "./Sockets.ts"
import { RawDirectives, Words } from "./TemplateValue.ts"
import type { TemplateRecord } from "./TemplateValue.ts"

export interface RenderEnvironment {
  readonly index: BundleIndex
  readonly nginx: NginxCapabilities
  readonly sockets: SocketPlan
  /** Absolute path of the generation's directory, as nginx sees it. */
  readonly treePath: string
}

export interface VirtualHostInContext {
  readonly record: TemplateRecord
  /** Each once. */
  readonly targets: ReadonlyArray<Target>
}

/** Mozilla's server side TLS guidelines, version 5.7. */
const policies: { readonly [policy in TlsPolicy]: { readonly protocols: Words; readonly ciphers: string | null } } = {
  modern: { protocols: new Words(["TLSv1.3"]), ciphers: null },
  intermediate: {
    protocols: new Words(["TLSv1.2", "TLSv1.3"]),
    ciphers: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305"
    ].join(":")
  }
}

const gzipTypes = new Words([
  "text/plain",
  "text/css",
  "text/xml",
  "text/javascript",
  "application/javascript",
  "application/json",
  "application/xml",
  "application/rss+xml",
  "application/wasm",
  "image/svg+xml",
  "font/ttf",
  "font/otf"
])

const altSvc = (port: number): Header => ({ name: "Alt-Svc", value: `h3=":${port}"; ma=86400` })

const certificatePaths = (host: VirtualHost, { index, treePath }: RenderEnvironment): TemplateRecord => {
  const certificate = host.ssl_certificate_id === null ? null : index.certificateById(host.ssl_certificate_id)
  if (certificate === null) return { ssl_certificate_path: null, ssl_certificate_key_path: null }
  const files = certificateFiles(certificate)
  return {
    ssl_certificate_path: `${treePath}/${files.certificate}`,
    ssl_certificate_key_path: `${treePath}/${files.key}`
  }
}

const rateLimitFields = (host: VirtualHost): TemplateRecord => {
  const config = effectiveRateLimit(host)
  if (config === null) {
    return {
      rate_limiting: false,
      rate_limit: null,
      rate_limit_zone: null,
      rate_limit_burst: null,
      rate_limit_nodelay: false,
      rate_limit_status: null
    }
  }
  return {
    rate_limiting: true,
    rate_limit: limitArguments(host.id, config),
    rate_limit_zone: zoneName(host.id, config),
    // nginx has no burst of 0, and a custom template names the parameter itself.
    rate_limit_burst: Math.max(1, config.burst),
    rate_limit_nodelay: config.nodelay,
    rate_limit_status: config.status_code
  }
}

const listenFields = (host: VirtualHost, { nginx, sockets }: RenderEnvironment): TemplateRecord => {
  const wants = { tls: host.ssl_enabled, ipv6: host.listen_ipv6, quic: http3Of(host, nginx) }
  const own = listenArguments(socketAt(sockets, host.listen_port), wants)
  const redirect = listenArguments(socketAt(sockets, 80), { tls: false, ipv6: host.listen_ipv6, quic: false })
  return {
    listens: own.map((words) => new Words(words)),
    redirect_http: host.ssl_enabled && host.redirect_http,
    redirect_listens: redirect.map((words) => new Words(words)),
    redirect_target: `https://$host${host.listen_port === 443 ? "" : `:${host.listen_port}`}$request_uri`
  }
}

const http3Of = (host: VirtualHost, nginx: NginxCapabilities) =>
  host.ssl_enabled && host.http3_enabled && hasHttp3(nginx)

const realIpFields = (host: VirtualHost): TemplateRecord["real_ip"] =>
  host.real_ip === null
    ? null
    : { from: host.real_ip.from, header: host.real_ip.header, recursive: host.real_ip.recursive ? "on" : "off" }

export const virtualHostContext = (host: VirtualHost, environment: RenderEnvironment): VirtualHostInContext => {
  const { index, nginx, sockets } = environment
  const http3 = http3Of(host, nginx)
  const inherited = http3 ? [altSvc(host.listen_port)] : []
  const locations = host.locations.map((location, at) => locationContext(host, at, location, index, inherited))
  const names = serverNames(host.server_name)
  const policy = policies[host.tls_policy]
  const targets = new Map<string, Target>()
  for (const { target } of locations) if (target !== null) targets.set(target.name, target)
  const record: TemplateRecord = {
    // A template for one location names the first one's variables directly.
    ...locations[0]?.record,
    id: host.id,
    name: host.name,
    port: host.listen_port,
    server_name: new Words(names),
    ...listenFields(host, environment),
    ssl: host.ssl_enabled,
    ...certificatePaths(host, environment),
    tls_policy: host.tls_policy,
    ssl_protocols: policy.protocols,
    ssl_ciphers: policy.ciphers,
    http2: host.ssl_enabled && host.http2_enabled,
    http2_listen: host.ssl_enabled && socketAt(sockets, host.listen_port).http2,
    http2_directive: host.ssl_enabled && host.http2_enabled && hasHttp2Directive(nginx),
    http3,
    alt_svc: http3 ? altSvc(host.listen_port).value : null,
    keepalive_min_timeout: hasKeepaliveMinTimeout(nginx) ? "2s" : null,
    gzip: host.gzip_enabled,
    gzip_types: gzipTypes,
    client_max_body_size: host.client_max_body_kib === null ? null : bodySize(host.client_max_body_kib),
    real_ip: realIpFields(host),
    access_rules: host.access_rules.map((rule) => ({ ...rule })),
    ...rateLimitFields(host),
    snippet: host.snippet === null ? null : new RawDirectives(host.snippet),
    locations: locations.map((location) => location.record)
  }
  return { record, targets: Array.from(targets.values()) }
}

/** nginx reads a bare 0 as no limit. */
const bodySize = (kib: number) => (kib === 0 ? "0" : `${kib}k`)
