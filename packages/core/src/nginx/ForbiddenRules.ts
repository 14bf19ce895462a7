/**
 * Which directives a tenant's text may not hold, and which paths and sockets its arguments may not name. They load
 * code, read or write files outside what the tenant owns, reach the agent's own socket, or belong to NxMesh.
 */
import type { Directive } from "./Parse.ts"
import { isWithin, normalPath, serveProblem } from "./ProtectedPath.ts"

export interface ForbiddenSettings {
  /** Files of the tree that a host may name: its certificates and keys. Absolute, as nginx sees them. */
  readonly treeFiles: ReadonlySet<string>
  /** Directories that nothing may serve from or connect into: generations and the proof socket. */
  readonly ownDirectories: ReadonlyArray<string>
  /** The one directory that log files may lie in; `null` allows none. */
  readonly logDirectory: string | null
}

/** For whoever checks text without knowing the agent that serves it: the agent knows its directory and looks again. */
export const anyLogDirectory = "/"

/** Why a directive is forbidden; `null` when it is not. */
type Rule = (directive: Directive, settings: ForbiddenSettings) => string | null

const never =
  (reason: string): Rule =>
  () =>
    reason

const process = never("sets up nginx as a whole, which is not a tenant's")
const code = never("runs code inside nginx")
const files = never("reads or writes files on the agent's machine")

const named: { readonly [name: string]: Rule } = {
  load_module: never("loads code into nginx"),
  ssl_engine: never("loads code into nginx"),
  include: never("reads a file from outside the rendered tree"),
  daemon: process,
  master_process: process,
  pid: process,
  user: process,
  env: process,
  lock_file: process,
  working_directory: process,
  worker_processes: process,
  worker_connections: process,
  worker_rlimit_nofile: process,
  worker_rlimit_core: process,
  worker_shutdown_timeout: process,
  debug_points: process,
  thread_pool: process,
  google_perftools_profiles: files,
  proxy_store: files,
  fastcgi_store: files,
  uwsgi_store: files,
  scgi_store: files,
  dav_methods: files,
  create_full_put_path: files,
  xslt_stylesheet: files,
  xml_entities: files,
  client_body_in_file_only: files,
  dav_ext_methods: files,
  upload_store: files,
  state: files,
  api: never("opens nginx's own control interface"),
  ssl_password_file: files,
  auth_basic_user_file: files,
  auth_jwt_key_file: files,
  ssl_stapling_file: files,
  ssl_session_ticket_key: files,
  ssl_dhparam: files,
  ssl_crl: files,
  root: ({ args }, { ownDirectories }) => serveProblem(args[0] ?? "", ownDirectories),
  alias: ({ args }, { ownDirectories }) => serveProblem(args[0] ?? "", ownDirectories),
  access_log: ({ args }, { logDirectory }) => logProblem(args[0] ?? "", logDirectory),
  error_log: ({ args }, { logDirectory }) => logProblem(args[0] ?? "", logDirectory),
  listen: ({ args }) => {
    if (args[0]?.toLowerCase().startsWith("unix:") === true) return "may not listen on a unix socket"
    return args.includes("default_server") || args.includes("default")
      ? "the default server of a port belongs to NxMesh"
      : null
  },
  server: ({ args, block }) =>
    block === null && (args[0] ?? "").toLowerCase().startsWith("unix:") ? "may not connect to a unix socket" : null,
  resolver: ({ args }) => (args.some((arg) => arg.includes("$")) ? "may not name a resolver by variable" : null)
}

const trusted: Rule = ({ args }, { treeFiles }) => {
  const path = normalPath(args[0] ?? "")
  return treeFiles.has(path) || isWithin(path, "/etc/ssl/certs") ? null : "names a file outside the rendered tree"
}
const ownFile: Rule = ({ args }, { treeFiles }) =>
  treeFiles.has(normalPath(args[0] ?? "")) ? null : "names a file outside the rendered tree"

/** The host, or `unix:` and a socket's path, of what a `*_pass` directive names. */
const authorityOf = (destination: string): string => {
  const rest = destination.replace(/^[A-Za-z]+:\/\//, "")
  const form = /^unix:/i.test(rest) ? /^unix:[^:]*/i : /^[^/]*/
  return form.exec(rest)?.[0] ?? ""
}

const passProblem: Rule = ({ args, name }, { ownDirectories }) => {
  const authority = authorityOf(args[0] ?? "")
  if (authority.includes("$")) return "takes its backend from a variable, which could name any socket"
  if (!/^unix:/i.test(authority)) return null
  const path = normalPath(authority.slice("unix:".length))
  const speaksHttp = name === "proxy_pass" || name === "grpc_pass"
  return speaksHttp || ownDirectories.some((directory) => isWithin(path, directory))
    ? "may not connect to this unix socket"
    : null
}

/** Families of directives, tried when no name fits. */
const families: ReadonlyArray<readonly [RegExp, Rule]> = [
  [/^perl(_|$)|^js_|_by_lua|^lua_|^init_by_|^passenger|^ruby_|^wasm|_load_tracer$/, code],
  [/^modsecurity_rules/, files],
  [/_temp_path$|_cache_path$|^geoip_|^geoip2$|_ssl_password_file$|_ssl_crl$/, files],
  [/(^|_)ssl_conf_command$/, never("can name any file and any setting of OpenSSL")],
  [/(^|_)ssl_(client|trusted)_certificate$/, trusted],
  [/(^|_)ssl_certificate(_key)?$/, ownFile],
  [/^(proxy|grpc|fastcgi|uwsgi|scgi|memcached)_pass$/, passProblem]
]

const logProblem = (destination: string, logDirectory: string | null): string | null => {
  if (destination === "off") return null
  if (logDirectory === null) return "may not name a log file"
  const plain = destination.startsWith("/") && !destination.includes("$") && !destination.split("/").includes("..")
  if (!plain) return 'may only name a file by its absolute path, without variables and ".."'
  return isWithin(normalPath(destination), logDirectory) ? null : `may only write below ${logDirectory}`
}

/** Why one directive is forbidden, whatever block it stands in; `null` when it is not. */
export const forbiddenReason = (directive: Directive, settings: ForbiddenSettings): string | null => {
  const name = directive.name.toLowerCase()
  const rule = Object.hasOwn(named, name) ? named[name] : families.find(([pattern]) => pattern.test(name))?.[1]
  return rule === undefined ? null : rule(directive, settings)
}

/** Directives that have fields of their own, checked against other hosts: a snippet may not go around them. */
export const outsideSnippets: ReadonlySet<string> = new Set(["listen", "server_name", "http2", "http3", "quic"])
