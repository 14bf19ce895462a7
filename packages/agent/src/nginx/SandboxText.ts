/**
 * One configuration file as the sandbox reads it: on the same lines, with what needs rights, keys, names or the network replaced by
 * something harmless. Pure. What a tenant's text names itself, outside of the tree, stays: it is what the sandbox is to stop.
 *
 * Listeners become unix sockets, one for each address, so that options which clash still clash.
 */
import { createHash } from "node:crypto"
import { isIP } from "node:net"
import { isAbsolute, join } from "node:path"
import { argument } from "@nxmesh/core/nginx/Argument"
import { allDirectives, type Directive } from "@nxmesh/core/nginx/Parse"

/** Where things lie, as the nginx in the sandbox sees it. */
export const sandboxRoot = "/tmp"
const inSandbox = (path: string): string => `${sandboxRoot}/f${path}`
/** nginx's words with the paths that the files have outside. */
export const withRealPaths = (output: string): string => output.replaceAll(`${sandboxRoot}/f/`, "/")

/** Where a file is put, relative to what becomes the root of the sandbox. */
export const placeOf = (path: string): string => `f${path}`

export interface SandboxFile {
  /** Absolute, as nginx names it outside. */
  readonly path: string
  readonly directives: ReadonlyArray<Directive>
  /** The tenant's files keep the paths that they name, but for those in the tree. */
  readonly isTenants: boolean
}

export interface SandboxSurroundings {
  /** The directory that relative includes are looked for in: that of nginx.conf. */
  readonly configurationDirectory: string
  /** The directory that `load_module` is relative to. */
  readonly prefix: string
  /** The tree, and what `current` is called in nginx.conf. */
  readonly tree: string
  readonly current: string
  /** Names of `upstream` blocks. */
  readonly upstreams: ReadonlySet<string>
}

export const upstreamNames = (files: ReadonlyArray<Pick<SandboxFile, "directives">>): ReadonlySet<string> =>
  new Set(
    files.flatMap(({ directives }) =>
      Array.from(allDirectives(directives)).flatMap(({ args, name }) => (name === "upstream" ? args.slice(0, 1) : []))
    )
  )

/** The absolute pattern of an `include`; that of `current` leads to the tree. */
export const includedFrom = (pattern: string, around: SandboxSurroundings): string => {
  const path = isAbsolute(pattern) ? pattern : join(around.configurationDirectory, pattern)
  return path.startsWith(`${around.current}/`) ? around.tree + path.slice(around.current.length) : path
}

/** Of the process, not of what is configured. */
const dropped = new Set([
  ...["user", "pid", "lock_file", "daemon", "master_process", "working_directory", "debug_points", "env"],
  ...["worker_processes", "worker_cpu_affinity", "worker_priority", "worker_rlimit_nofile", "worker_rlimit_core"],
  ...["stream", "mail", "rtmp", "google_perftools_profiles"]
])
/** Files that hold secrets, or need rights, in configuration that is not a tenant's. */
const droppedForeign = /(^|_)ssl_(crl|password_file|dhparam|session_ticket_key|stapling_file)$|^auth_jwt_key_file$/
/** What holds entries instead of directives. */
const tables = new Set(["map", "geo", "split_clients", "types", "charset_map"])
const logFile = `${sandboxRoot}/log`
const listenerOptions =
  /^(reuseport|deferred|bind|quic)$|^(ipv6only|so_keepalive|fastopen|setfib|accept_filter|rcvbuf|sndbuf)=/

const named = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12)

/** One name for each address, however it is written. */
const listener = (address: string): string => {
  const canonical = address.replace(/^\*:/, "").replace(/^0\.0\.0\.0:/, "")
  return `unix:${sandboxRoot}/s/${named(canonical)}`
}

const isLiteral = (host: string): boolean => isIP(host.replace(/^\[|\]$/g, "")) !== 0 || /^unix:/i.test(host)

/** A host and perhaps a port, with an address for a name that would have to be resolved. */
const literal = (authority: string, known: ReadonlySet<string>): string => {
  const match = /^(\[[^\]]*\]|[^:]*)(:.*)?$/s.exec(authority)
  const [, host = "", port = ""] = match ?? []
  const isKept = match === null || host === "" || host.includes("$") || known.has(authority) || known.has(host)
  return isKept || isLiteral(host) || /^unix:/i.test(authority) ? authority : `127.0.0.1${port}`
}

const passed = (destination: string, known: ReadonlySet<string>): string => {
  const match = /^([a-z]+:\/\/)?([^/]*)(.*)$/is.exec(destination)
  const [, scheme = "", authority = "", rest = ""] = match ?? []
  return /^unix:/i.test(authority) ? destination : `${scheme}${literal(authority, known)}${rest}`
}

/** The arguments with another first one. */
const leading = (directive: Directive, first: string): Directive => ({
  ...directive,
  args: [first, ...directive.args.slice(1)]
})

/** A directive that names a file, or a place in the network. */
const harmless = (directive: Directive, file: SandboxFile, around: SandboxSurroundings): Directive => {
  const { args, block, name } = directive
  const [first = ""] = args
  const isOurs = !file.isTenants || first.startsWith(`${around.tree}/`)
  if (/(^|_)ssl_certificate_key$/.test(name) && isOurs) return leading(directive, `${sandboxRoot}/dummy.key`)
  if (/(^|_)ssl_(client_|trusted_)?certificate$/.test(name) && isOurs) {
    return leading(directive, `${sandboxRoot}/dummy.crt`)
  }
  if (name.endsWith("_temp_path")) return leading(directive, `${sandboxRoot}/temp/${name}`)
  if (name.endsWith("_cache_path")) return leading(directive, `${sandboxRoot}/temp/${named(first)}`)
  if (name.endsWith("_pass") && args.length === 1) return leading(directive, passed(first, around.upstreams))
  switch (name) {
    case "listen":
      return { ...leading(directive, listener(first)), args: [listener(first), ...args.slice(1).filter(isKeptOption)] }
    case "access_log":
      return first === "off" ? directive : leading(directive, logFile)
    case "error_log":
      return leading(directive, logFile)
    case "server":
      return block === null ? leading(directive, literal(first, new Set())) : directive
    case "resolver":
      return { ...directive, args: args.map((one) => (one.includes("=") ? one : literal(one, new Set()))) }
    case "set_real_ip_from":
      return /^[0-9a-f.:/]+$/i.test(first) || first === "unix:" ? directive : leading(directive, "127.0.0.1")
    case "load_module":
      return leading(directive, isAbsolute(first) ? first : join(around.prefix, first))
    default:
      return directive
  }
}

const isKeptOption = (option: string): boolean => !listenerOptions.test(option)

const transformed = (
  directive: Directive,
  file: SandboxFile,
  around: SandboxSurroundings
): ReadonlyArray<Directive> => {
  const { args, block, name } = directive
  if (dropped.has(name) || (!file.isTenants && droppedForeign.test(name))) return []
  if (name === "include") return [leading(directive, inSandbox(includedFrom(args[0] ?? "", around)))]
  const next = harmless(directive, file, around)
  if (block === null) return [next]
  const inner = tables.has(name)
    ? block.flatMap((one) => (one.name === "include" ? transformed(one, file, around) : [one]))
    : block.flatMap((one) => transformed(one, file, around))
  if (name !== "http") return [{ ...next, block: inner }]
  // nginx opens its built-in access log when the configuration names none.
  return [{ ...next, block: [{ name: "access_log", args: [logFile], line: directive.line, block: null }, ...inner] }]
}

/** Directives as text, each on its own line of before. */
export const written = (directives: ReadonlyArray<Directive>): string => {
  let line = 1
  const parts: Array<string> = []
  const write = (list: ReadonlyArray<Directive>) => {
    for (const { args, block, line: at, name } of list) {
      if (at > line) {
        parts.push("\n".repeat(at - line))
        line = at
      }
      const words = [name, ...args].map(argument).join(" ")
      // A quoted line feed is one for nginx's count as well.
      line += words.split("\n").length - 1
      parts.push(`${words}${block === null ? "; " : " { "}`)
      if (block === null) continue
      write(block)
      parts.push("} ")
    }
  }
  write(directives)
  return `${parts.join("")}\n`
}

export const sandboxText = (file: SandboxFile, around: SandboxSurroundings): string =>
  written(file.directives.flatMap((directive) => transformed(directive, file, around)))

/** nginx.conf itself begins with where this nginx may write. */
export const mainText = (file: SandboxFile, around: SandboxSurroundings): string =>
  `pid ${sandboxRoot}/nginx.pid; error_log stderr; ${sandboxText({ ...file, isTenants: false }, around)}`

/** What a file of nginx.conf's own directory includes, as absolute patterns. */
export const includesOf = (directives: ReadonlyArray<Directive>, around: SandboxSurroundings): ReadonlyArray<string> =>
  Array.from(allDirectives(directives)).flatMap(({ args, name }) =>
    name === "include" && args[0] !== undefined ? [includedFrom(args[0], around)] : []
  )
