/**
 * What an nginx can do, from its version and the modules it was built with.
 *
 * Source: nginx CHANGES; nginx documentation of ngx_http_v2_module, ngx_http_v3_module, ngx_http_upstream_module,
 * ngx_http_core_module and ngx_http_ssl_module.
 */
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"

/** Modules that nginx has unless it was built without them, among those that matter here. */
const defaultModules = [
  "http_access",
  "http_gzip",
  "http_limit_req",
  "http_map",
  "http_proxy",
  "http_rewrite",
  "http_upstream_ip_hash",
  "http_upstream_keepalive",
  "http_upstream_least_conn",
  "http_upstream_zone"
]

/**
 * Reads the output of `nginx -V` (written to standard error). `null` when it is no such output.
 * Modules are named as in `--with-http_v2_module`, without `--with-` and `_module`.
 */
export const parseCapabilities = (output: string): NginxCapabilities | null => {
  const version = /^nginx version: [^/\n]+\/(\d+\.\d+\.\d+)/m.exec(output)?.[1]
  if (version === undefined) return null
  const configure = /^configure arguments:(.*)$/m.exec(output)?.[1] ?? ""
  const named = (flag: string) =>
    Array.from(
      configure.matchAll(new RegExp(`--${flag}-([a-z0-9_]+?)(?:_module)?(?:=dynamic)?(?=\\s|$)`, "g")),
      (match) => String(match[1])
    )
  const without = new Set(named("without"))
  const modules = new Set(defaultModules.filter((module) => !without.has(module)))
  for (const module of named("with")) modules.add(module)
  return { version, modules: Array.from(modules).sort() }
}

/** Negative when `left` is the older version. */
export const compareVersions = (left: string, right: string): number => {
  const numbers = (version: string) => version.split(".").map((part) => Number.parseInt(part, 10) || 0)
  const [a, b] = [numbers(left), numbers(right)]
  for (let index = 0; index < 3; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const since = (nginx: NginxCapabilities, version: string) => compareVersions(nginx.version, version) >= 0
const has = (nginx: NginxCapabilities, module: string) => nginx.modules.includes(module)

export const hasHttp2 = (nginx: NginxCapabilities): boolean => has(nginx, "http_v2")
/** `http2 on;` per server (1.25.1); before, a parameter of `listen` that holds for the whole socket. */
export const hasHttp2Directive = (nginx: NginxCapabilities): boolean => hasHttp2(nginx) && since(nginx, "1.25.1")
export const hasHttp3 = (nginx: NginxCapabilities): boolean => has(nginx, "http_v3") && since(nginx, "1.25.0")
/** `ssl_reject_handshake` (1.19.4). */
export const hasRejectHandshake = (nginx: NginxCapabilities): boolean => since(nginx, "1.19.4")
/** `keepalive_min_timeout` (1.27.4): reloads close fewer connections under their clients. */
export const hasKeepaliveMinTimeout = (nginx: NginxCapabilities): boolean => since(nginx, "1.27.4")
export const hasStubStatus = (nginx: NginxCapabilities): boolean => has(nginx, "http_stub_status")
