/**
 * Texts that become arguments of nginx directives. Each schema says what its place allows; `$` is special everywhere,
 * because nginx expands variables in most arguments and offers no way to escape one.
 *
 * Source: nginx, "Alphabetical index of variables"; RFC 9110 section 5 (fields); RFC 1123 (host names).
 */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { line } from "./Text.ts"

/** Variables that every nginx of the supported versions has, or that are families by prefix. */
const variables = new Set([
  "args", "binary_remote_addr", "body_bytes_sent", "bytes_sent", "connection", "connection_requests",
  "content_length", "content_type", "document_uri", "host", "hostname", "https", "is_args", "msec", "nginx_version",
  "pid", "proxy_add_x_forwarded_for", "proxy_host", "proxy_port", "query_string", "remote_addr", "remote_port",
  "remote_user", "request", "request_filename", "request_id", "request_length", "request_method", "request_time",
  "request_uri", "scheme", "server_addr", "server_name", "server_port", "server_protocol", "ssl_cipher",
  "ssl_protocol", "ssl_server_name", "status", "time_iso8601", "time_local", "upstream_addr",
  "upstream_cache_status", "upstream_response_time", "upstream_status", "uri"
])
const variableFamilies = /^(arg|cookie|http|sent_http|upstream_http)_[a-z0-9_]{1,64}$/
const capture = /^[1-9]$/

/** Names of the variables used in a text, in order; `null` stands for a `$` that starts no name. */
export const variablesIn = (text: string): ReadonlyArray<string | null> =>
  Array.from(text.matchAll(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))?/g), (match) => match[1] ?? match[2] ?? null)

const knownVariable = (name: string | null): boolean =>
  name !== null && (variables.has(name) || variableFamilies.test(name))

const noVariables = Schema.makeFilter((text: string) =>
  text.includes("$") ? "must not contain $: nginx would read a variable" : undefined
)
const knownVariables = (captures: boolean) =>
  Schema.makeFilter((text: string) => {
    const unknown = variablesIn(text).find(
      (name) => !knownVariable(name) && !(captures && name !== null && capture.test(name))
    )
    if (unknown === undefined) return undefined
    return unknown === null ? "has a $ that starts no variable" : `uses $${unknown}, which is not a known variable`
  })
const matches = (pattern: RegExp, message: string) => Schema.isPattern(pattern, { message })

const hostLabel = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
const ipv4 = "(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)"
const ipv6 = "\\[[0-9A-Fa-f:.]{2,45}\\]"
const hostname = `${hostLabel}(?:\\.${hostLabel})*`

/** Splits the comma-separated form of the specification into single names, lower-cased. */
export const serverNames = (text: string): ReadonlyArray<string> =>
  text.split(",").map((name) => name.trim().toLowerCase()).filter((name) => name !== "")

const serverNamePattern = new RegExp(`^(\\*\\.)?${hostname}(\\.\\*)?$`)
const isServerName = (name: string): boolean =>
  name.length <= 253 && serverNamePattern.test(name) && !(name.startsWith("*.") && name.endsWith(".*"))

/** Domain names, comma-separated; a leading or a trailing wildcard label is allowed (nginx, `server_name`). */
export const ServerName = Schema.String.check(
  Schema.isMaxLength(Limits.serverNameCharactersMax),
  Schema.makeFilter((text: string) => {
    const names = serverNames(text)
    if (names.length === 0) return "must name at least one domain"
    if (names.length > Limits.serverNamesMax) return `must name at most ${Limits.serverNamesMax} domains`
    const wrong = names.find((name) => !isServerName(name))
    if (wrong !== undefined) return `"${wrong.slice(0, 80)}" is not a valid domain`
    return new Set(names).size < names.length ? "names a domain twice" : undefined
  })
)

/** `host:port` of a backend: IPv4, bracketed IPv6 or a host name. */
export const BackendAddress = Schema.String.check(
  Schema.isMaxLength(261),
  matches(
    new RegExp(`^(?:${ipv4}|${ipv6}|${hostname}):(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])$`),
    "must be host:port, with a port from 1 to 65535"
  )
)

/** `http://` or `https://` and a host, an optional port and an optional path, without variables. */
export const ProxyUrl = line(Limits.urlCharactersMax).check(
  noVariables,
  matches(
    new RegExp(`^https?://(?:${ipv4}|${ipv6}|${hostname})(?::\\d{1,5})?(?:/[^\\s"';{}\\\\]*)?$`),
    "must be an http:// or https:// URL with a host"
  )
)

/** What a location matches: a prefix, or one of nginx's modifiers (`=`, `^~`, `~`, `~*`) and what follows it. */
export const LocationPath = line(Limits.pathCharactersMax).check(
  Schema.makeFilter((text: string) => {
    if (/^(=|\^~) \/[^\s"';{}\\$]*$/.test(text) || /^\/[^\s"';{}\\$]*$/.test(text)) return undefined
    const expression = /^~\*? (.+)$/.exec(text)?.[1]
    if (expression === undefined) {
      return "must start with / or be a modifier (=, ^~, ~, ~*), one space, and a path or regular expression"
    }
    return isRegularExpression(expression) ? undefined : "is not a valid regular expression"
  })
)

/**
 * Whether a text can be a regular expression of nginx's. JavaScript's grammar and PCRE's differ at the edges; what
 * both accept covers what sites use, and `nginx -t` has the last word.
 */
const isRegularExpression = (text: string): boolean => {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

/** A regular expression that a rewrite matches against the path. */
export const RewritePattern = line(Limits.pathCharactersMax).check(
  Schema.makeFilter((text: string) => (isRegularExpression(text) ? undefined : "is not a valid regular expression"))
)

/** What a rewrite puts in place: a path or URL, with captures (`$1`) and known variables. */
export const RewriteReplacement = line(Limits.urlCharactersMax).check(knownVariables(true))

/** A field name (RFC 9110 section 5.1: token). */
export const HeaderName = Schema.String.check(
  Schema.isMaxLength(Limits.nameCharactersMax),
  matches(/^[A-Za-z0-9!#%&'*+.^_`|~-]+$/, "is not a valid header name")
)

/** A field value; known variables are expanded by nginx. */
export const HeaderValue = Schema.String.check(
  Schema.isMaxLength(Limits.headerValueCharactersMax),
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  matches(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, "must not contain control characters or line breaks"),
  knownVariables(false)
)

/** An absolute directory on the agent's machine, without variables and without `..`. */
export const DirectoryPath = line(Limits.pathCharactersMax).check(
  noVariables,
  matches(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^"';{}\\]*$/, "must be an absolute path without .. and without quotes, ; { } or \\")
)

/** File names tried in a directory, space-separated, as in `index.html index.htm`. */
export const IndexFiles = line(Limits.pathCharactersMax).check(
  noVariables,
  matches(/^[A-Za-z0-9._/-]+(?: [A-Za-z0-9._/-]+)*$/, "must be file names separated by single spaces")
)

/** An address or a CIDR block, or `all`: what `allow` and `deny` take. */
export const AddressRange = Schema.String.check(
  Schema.isMaxLength(64),
  matches(
    new RegExp(`^(?:all|${ipv4}(?:/(?:3[0-2]|[12]?\\d))?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:/(?:12[0-8]|1[01]\\d|[1-9]?\\d))?)$`),
    "must be an IP address, a CIDR block or all"
  )
)

/** The body or target of a fixed answer; known variables are expanded. */
export const ReturnText = Schema.String.check(
  Schema.isMaxLength(Limits.headerValueCharactersMax),
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  matches(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, "must not contain control characters or line breaks"),
  knownVariables(false)
)

/** Raw nginx directives. Guarded by a permission of its own and by the forbidden-directive list on the rendered tree. */
export const Snippet = Schema.String.check(
  Schema.isMaxLength(Limits.snippetCharactersMax),
  // oxlint-disable-next-line no-control-regex -- control characters but tab and line feed are what it refuses
  matches(/^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/, "must not contain control characters")
)
