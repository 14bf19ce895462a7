/** A virtual host: one nginx server (CM-001), and what a first real site needs beyond it. */
import { Schema } from "effect"
import { CertificateId, UpstreamId, VirtualHostId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { AgentSelector } from "./AgentSelector.ts"
import {
  AddressBlock,
  AddressRange,
  DirectoryPath,
  HeaderName,
  HeaderValue,
  IndexFiles,
  LocationPath,
  ProxyUrl,
  ReturnText,
  RewritePattern,
  RewriteReplacement,
  ServerName,
  Snippet
} from "./NginxText.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { TemplateName } from "./Template.ts"
import { Name, Port } from "./Text.ts"

const seconds = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400 }))
const kibibytes = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

/** A response header added with `add_header … always`. */
export const Header = Schema.Struct({ name: HeaderName, value: HeaderValue })
export type Header = typeof Header.Type

export const RewriteRule = Schema.Struct({
  pattern: RewritePattern,
  replacement: RewriteReplacement,
  flag: Schema.Literals(["last", "break", "redirect", "permanent"])
})
export type RewriteRule = typeof RewriteRule.Type

/**
 * `allow` and `deny` rules in order; the first that matches decides (ngx_http_access_module). A location's own rules
 * come before its host's.
 */
export const AccessRule = Schema.Struct({ action: Schema.Literals(["allow", "deny"]), address: AddressRange })
export type AccessRule = typeof AccessRule.Type

/** A fixed answer: a redirect's target for 301, 302, 303, 307 and 308, otherwise a plain-text body. */
export const FixedResponse = Schema.Struct({
  status: Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })),
  text: ReturnText
})
export type FixedResponse = typeof FixedResponse.Type

/** Timeouts and buffering towards the backend (ngx_http_proxy_module). `null` keeps nginx's default. */
export const ProxySettings = Schema.Struct({
  connect_timeout_seconds: Schema.NullOr(seconds),
  send_timeout_seconds: Schema.NullOr(seconds),
  read_timeout_seconds: Schema.NullOr(seconds),
  buffering: Schema.Boolean,
  buffer_size_kib: Schema.NullOr(kibibytes(1_024)),
  /** Sends Host, X-Real-IP, X-Forwarded-For and X-Forwarded-Proto. */
  forwarded_headers: Schema.Boolean
})
export type ProxySettings = typeof ProxySettings.Type
export const proxySettingsDefault: ProxySettings = {
  connect_timeout_seconds: null,
  send_timeout_seconds: null,
  read_timeout_seconds: null,
  buffering: true,
  buffer_size_kib: null,
  forwarded_headers: true
}

const location = {
  path: LocationPath,
  /** A backend by URL; a host that is the name of an upstream of the workspace means that upstream. */
  proxy_pass: Schema.NullOr(ProxyUrl),
  upstream_id: Schema.NullOr(UpstreamId),
  /** Directory of static files. */
  root: Schema.NullOr(DirectoryPath),
  index: Schema.NullOr(IndexFiles),
  return: Schema.NullOr(FixedResponse),
  custom_headers: Schema.Array(Header).check(Schema.isMaxLength(Limits.headersMax)),
  rewrite_rules: Schema.Array(RewriteRule).check(Schema.isMaxLength(Limits.rewriteRulesMax)),
  access_rules: Schema.Array(AccessRule).check(Schema.isMaxLength(Limits.accessRulesMax)),
  /** Passes `Upgrade` and `Connection`, so that WebSockets work. */
  websocket: Schema.Boolean,
  proxy: ProxySettings,
  snippet: Schema.NullOr(Snippet)
}
/** The stored form, every field present. */
export const Location = Schema.Struct(location).annotate({ identifier: "Location" })
export type Location = typeof Location.Type

/** The form that requests use: only `path` is required, and exactly one source of answers. */
export const LocationInput = Schema.Struct({
  path: location.path,
  proxy_pass: withDefault(location.proxy_pass, null),
  upstream_id: withDefault(location.upstream_id, null),
  root: withDefault(location.root, null),
  index: withDefault(location.index, null),
  return: withDefault(location.return, null),
  custom_headers: withDefault(location.custom_headers, []),
  rewrite_rules: withDefault(location.rewrite_rules, []),
  access_rules: withDefault(location.access_rules, []),
  websocket: withDefault(location.websocket, false),
  proxy: withDefault(
    Schema.Struct({
      connect_timeout_seconds: withDefault(Schema.NullOr(seconds), null),
      send_timeout_seconds: withDefault(Schema.NullOr(seconds), null),
      read_timeout_seconds: withDefault(Schema.NullOr(seconds), null),
      buffering: withDefault(Schema.Boolean, true),
      buffer_size_kib: withDefault(Schema.NullOr(kibibytes(1_024)), null),
      forwarded_headers: withDefault(Schema.Boolean, true)
    }),
    proxySettingsDefault
  ),
  snippet: withDefault(location.snippet, null)
}).check(
  Schema.makeFilter(({ path, proxy_pass }) =>
    // nginx cannot replace a part of the path that an expression matched (ngx_http_proxy_module, proxy_pass).
    path.startsWith("~") && proxy_pass !== null && /^https?:\/\/[^/]+\//.test(proxy_pass)
      ? { path: ["proxy_pass"], issue: "cannot have a path in a location that is a regular expression" }
      : undefined
  ),
  Schema.makeFilter((value) => {
    const sources = [value.proxy_pass, value.upstream_id, value.root, value.return].filter((source) => source !== null)
    if (sources.length === 1) return undefined
    return sources.length === 0
      ? "must have one of proxy_pass, upstream_id, root or return"
      : "must have only one of proxy_pass, upstream_id, root and return"
  })
)

/** A request rate per key, by nginx's leaky bucket (ngx_http_limit_req_module). */
export const RateLimitConfig = Schema.Struct({
  requests: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  per: Schema.Literals(["second", "minute"]),
  burst: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })), 0),
  nodelay: withDefault(Schema.Boolean, true),
  key: withDefault(Schema.Literals(["remote_addr", "server_name", "uri"]), "remote_addr"),
  zone_size_kib: withDefault(kibibytes(1_048_576).check(Schema.isGreaterThanOrEqualTo(32)), 10_240),
  status_code: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 400, maximum: 599 })), 429)
}).annotate({ identifier: "RateLimitConfig" })
export type RateLimitConfig = typeof RateLimitConfig.Type

/** Which protocols and ciphers a TLS host speaks: Mozilla's names for the two common choices. */
export const TlsPolicy = Schema.Literals(["modern", "intermediate"])
export type TlsPolicy = typeof TlsPolicy.Type

/** The client's address, taken from a header when the request comes from a trusted proxy (ngx_http_realip_module). */
export const RealIp = Schema.Struct({
  from: Schema.NonEmptyArray(AddressBlock).check(Schema.isMaxLength(Limits.accessRulesMax)),
  header: Schema.Literals(["X-Forwarded-For", "X-Real-IP", "proxy_protocol"]),
  recursive: withDefault(Schema.Boolean, true)
})
export type RealIp = typeof RealIp.Type

const noDuplicatePaths = <L extends { readonly path: string }>(locations: ReadonlyArray<L>) => {
  // A prefix is the same location with and without ^~.
  const paths = locations.map(({ path }) => path.replace(/^\^~ /, ""))
  const duplicate = paths.findIndex((path, index) => paths.indexOf(path) < index)
  return duplicate < 0 ? undefined : { path: [duplicate, "path"], issue: "repeats the path of an earlier location" }
}
const locations = Schema.Array(LocationInput).check(
  Schema.isMinLength(1, { message: "must have at least one location" }),
  Schema.isMaxLength(Limits.locationsMax),
  Schema.makeFilter(noDuplicatePaths)
)

const fields = {
  name: Name,
  enabled: Schema.Boolean,
  server_name: ServerName,
  listen_port: Port,
  listen_ipv6: Schema.Boolean,
  ssl_enabled: Schema.Boolean,
  ssl_certificate_id: Schema.NullOr(CertificateId),
  tls_policy: TlsPolicy,
  /** Also listens on port 80 and redirects there to HTTPS. Only with `ssl_enabled`. */
  redirect_http: Schema.Boolean,
  http2_enabled: Schema.Boolean,
  http3_enabled: Schema.Boolean,
  gzip_enabled: Schema.Boolean,
  rate_limiting: Schema.NullOr(RateLimitConfig),
  /** Largest request body, in KiB; 0 means no limit, `null` nginx's default of 1 MiB. */
  client_max_body_kib: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_073_741_824 }))),
  access_rules: Schema.Array(AccessRule).check(Schema.isMaxLength(Limits.accessRulesMax)),
  real_ip: Schema.NullOr(RealIp),
  /** The template that renders the host: a built-in one or a custom one of the workspace. */
  template: TemplateName,
  snippet: Schema.NullOr(Snippet),
  target_agents: AgentSelector
}

export const VirtualHost = Schema.Struct({
  id: VirtualHostId,
  workspace_id: WorkspaceId,
  ...fields,
  locations: Schema.Array(Location),
  ...stamps
}).annotate({ identifier: "VirtualHost" })
export type VirtualHost = typeof VirtualHost.Type

export const VirtualHostCreate = Schema.Struct({
  workspace_id: WorkspaceId,
  name: fields.name,
  enabled: withDefault(fields.enabled, true),
  server_name: fields.server_name,
  listen_port: fields.listen_port,
  listen_ipv6: withDefault(fields.listen_ipv6, false),
  ssl_enabled: withDefault(fields.ssl_enabled, false),
  ssl_certificate_id: withDefault(fields.ssl_certificate_id, null),
  tls_policy: withDefault(fields.tls_policy, "intermediate"),
  redirect_http: withDefault(fields.redirect_http, false),
  http2_enabled: withDefault(fields.http2_enabled, false),
  http3_enabled: withDefault(fields.http3_enabled, false),
  gzip_enabled: withDefault(fields.gzip_enabled, false),
  rate_limiting: withDefault(fields.rate_limiting, null),
  client_max_body_kib: withDefault(fields.client_max_body_kib, null),
  access_rules: withDefault(fields.access_rules, []),
  real_ip: withDefault(fields.real_ip, null),
  template: withDefault(fields.template, "default"),
  snippet: withDefault(fields.snippet, null),
  target_agents: withDefault(fields.target_agents, { scope: "workspace" as const }),
  locations
}).annotate({ identifier: "VirtualHostCreate" })
export type VirtualHostCreate = typeof VirtualHostCreate.Type

export const VirtualHostPatch = patch({ ...fields, locations }).annotate({ identifier: "VirtualHostPatch" })
export type VirtualHostPatch = typeof VirtualHostPatch.Type

/** Rules between fields, checked after a create or a patch is complete. Empty when the host is consistent. */
export const virtualHostProblems = (
  host: Pick<
    VirtualHost,
    "ssl_enabled" | "ssl_certificate_id" | "redirect_http" | "http2_enabled" | "http3_enabled" | "listen_port"
  >
): ReadonlyArray<{ readonly field: string; readonly message: string }> => {
  const problems: Array<{ readonly field: string; readonly message: string }> = []
  if (host.ssl_enabled && host.ssl_certificate_id === null) {
    problems.push({ field: "ssl_certificate_id", message: "is required when ssl_enabled is true" })
  }
  if (!host.ssl_enabled) {
    if (host.redirect_http) problems.push({ field: "redirect_http", message: "needs ssl_enabled" })
    if (host.http2_enabled) problems.push({ field: "http2_enabled", message: "needs ssl_enabled" })
    if (host.http3_enabled) problems.push({ field: "http3_enabled", message: "needs ssl_enabled" })
  }
  if (host.redirect_http && host.listen_port === 80) {
    problems.push({ field: "redirect_http", message: "cannot redirect from port 80 to itself" })
  }
  return problems
}
