/**
 * Texts that become arguments of nginx directives. Each schema says what its place allows; `$` is special everywhere,
 * because nginx expands variables in most arguments and offers no way to escape one.
 *
 * Source: nginx, "Alphabetical index of variables"; RFC 9110 section 5 (fields); RFC 1123 (host names).
 */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { line, wellFormed } from "./Text.ts"

/** Variables that every nginx of the supported versions has, or that are families by prefix. */
const variables = new Set([
  "args",
  "binary_remote_addr",
  "body_bytes_sent",
  "bytes_sent",
  "connection",
  "connection_requests",
  "content_length",
  "content_type",
  "document_uri",
  "host",
  "hostname",
  "https",
  "is_args",
  "msec",
  "nginx_version",
  "pid",
  "proxy_add_x_forwarded_for",
  "proxy_host",
  "proxy_port",
  "query_string",
  "remote_addr",
  "remote_port",
  "remote_user",
  "request",
  "request_filename",
  "request_id",
  "request_length",
  "request_method",
  "request_time",
  "request_uri",
  "scheme",
  "server_addr",
  "server_name",
  "server_port",
  "server_protocol",
  "ssl_cipher",
  "ssl_protocol",
  "ssl_server_name",
  "status",
  "time_iso8601",
  "time_local",
  "upstream_addr",
  "upstream_cache_status",
  "upstream_response_time",
  "upstream_status",
  "uri"
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
/** 1 to 65535, without leading zeros. */
const port = "(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])"
const hostname = `${hostLabel}(?:\\.${hostLabel})*`

const ipv4Whole = new RegExp(`^${ipv4}$`)
const groupsOf = (text: string): number | null => {
  if (text === "") return 0
  const parts = text.split(":")
  const last = parts.at(-1) ?? ""
  const isDotted = last.includes(".")
  if (isDotted && !ipv4Whole.test(last)) return null
  const groups = isDotted ? parts.slice(0, -1) : parts
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) ? groups.length + (isDotted ? 2 : 0) : null
}

/** An IPv6 address in text form, without a zone (RFC 4291 section 2.2). */
export const isIpv6 = (text: string): boolean => {
  const halves = text.split("::")
  if (halves.length > 2) return false
  const counts = halves.map(groupsOf)
  if (counts.includes(null) || (halves.length === 2 && halves[0]?.includes(".") === true)) return false
  const total = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
  return halves.length === 2 ? total < 8 : total === 8
}

/** A host in brackets is an address. */
const bracketedAddress = Schema.makeFilter((text: string) => {
  const inside = /^(?:https?:\/\/)?\[([^\]]*)\]/.exec(text)?.[1]
  return inside === undefined || isIpv6(inside) ? undefined : "has an invalid IPv6 address"
})

/**
 * nginx reads one argument into a buffer of 4,096 bytes, with its quotes and with a backslash before each quote and
 * backslash; what is longer is an error of its whole configuration.
 */
const fitsArgument = Schema.makeFilter((text: string) => {
  if (text.length <= argumentBytesMax / 4) return undefined
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    const escaped = character === '"' || character === "\\"
    bytes += escaped ? 2 : point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4
  }
  return bytes <= argumentBytesMax ? undefined : `is longer than the ${argumentBytesMax} bytes that nginx reads`
})
const argumentBytesMax = 4_000

/** Splits the comma-separated form of the specification into single names, lower-cased. */
export const serverNames = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "")

const serverNamePattern = new RegExp(`^(\\*\\.)?${hostname}(\\.\\*)?$`)
const isServerName = (name: string): boolean =>
  name.length <= 253 && serverNamePattern.test(name) && !(name.startsWith("*.") && name.endsWith(".*"))

/** Domain names, comma-separated; a leading or a trailing wildcard label is allowed (nginx, `server_name`). */
export const ServerName = Schema.String.check(
  Schema.isMaxLength(Limits.serverNameCharactersMax),
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  matches(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, "must not contain control characters or line breaks"),
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
  matches(new RegExp(`^(?:${ipv4}|${ipv6}|${hostname}):${port}$`), "must be host:port, with a port from 1 to 65535"),
  bracketedAddress
)

/** `http://` or `https://` and a host, an optional port and an optional path, without variables. */
export const ProxyUrl = line(Limits.urlCharactersMax).check(
  noVariables,
  matches(
    new RegExp(`^https?://(?:${ipv4}|${ipv6}|${hostname})(?::${port})?(?:/[^\\s"';{}\\\\]*)?$`),
    "must be an http:// or https:// URL with a host and a port from 1 to 65535"
  ),
  bracketedAddress,
  fitsArgument
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
  }),
  fitsArgument
)

/** Escapes that PCRE refuses (pcre2pattern, "Unsupported escape sequences"); JavaScript reads some as letters. */
const javaScriptEscape = /(?<!\\)(?:\\\\)*\\[FLlNUu]/

/**
 * Whether a text can be a regular expression of nginx's. JavaScript's grammar and PCRE's differ at the edges; what
 * both accept covers what sites use, and `nginx -t` has the last word.
 */
const isRegularExpression = (text: string): boolean => {
  if (javaScriptEscape.test(text)) return false
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

/** A regular expression that a rewrite matches against the path. */
export const RewritePattern = line(Limits.pathCharactersMax).check(
  Schema.makeFilter((text: string) => (isRegularExpression(text) ? undefined : "is not a valid regular expression")),
  fitsArgument
)

/** What a rewrite puts in place: a path or URL, with captures (`$1`) and known variables. */
export const RewriteReplacement = line(Limits.urlCharactersMax).check(knownVariables(true), fitsArgument)

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
  wellFormed,
  knownVariables(false),
  fitsArgument
)

/** An absolute directory on the agent's machine, without variables and without `..`. */
export const DirectoryPath = line(Limits.pathCharactersMax).check(
  noVariables,
  matches(/^(?!.*\/\.\.(?:\/|$))\/[^"';{}\\]*$/, "must be an absolute path without .. and without quotes, ; { } or \\"),
  fitsArgument
)

/** File names tried in a directory, space-separated, as in `index.html index.htm`. */
export const IndexFiles = line(Limits.pathCharactersMax).check(
  noVariables,
  matches(/^[A-Za-z0-9._/-]+(?: [A-Za-z0-9._/-]+)*$/, "must be file names separated by single spaces")
)

const prefixOf = (text: string): readonly [address: string, prefix: number | null] => {
  const slash = text.lastIndexOf("/")
  if (slash < 0) return [text, null]
  const prefix = text.slice(slash + 1)
  return [text.slice(0, slash), /^(?:0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : Number.NaN]
}
const isAddressBlock = (text: string): boolean => {
  const [address, prefix] = prefixOf(text)
  const bits = ipv4Whole.test(address) ? 32 : isIpv6(address) ? 128 : null
  return bits !== null && (prefix === null || (prefix >= 0 && prefix <= bits))
}

/** An address or a CIDR block. */
export const AddressBlock = Schema.String.check(
  Schema.isMaxLength(64),
  Schema.makeFilter((text: string) => (isAddressBlock(text) ? undefined : "must be an IP address or a CIDR block"))
)

/** An address or a CIDR block, or `all`: what `allow` and `deny` take. */
export const AddressRange = Schema.String.check(
  Schema.isMaxLength(64),
  Schema.makeFilter((text: string) =>
    text === "all" || isAddressBlock(text) ? undefined : "must be an IP address, a CIDR block or all"
  )
)

/** The body or target of a fixed answer; known variables are expanded. */
export const ReturnText = Schema.String.check(
  Schema.isMaxLength(Limits.headerValueCharactersMax),
  // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
  matches(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/, "must not contain control characters or line breaks"),
  wellFormed,
  knownVariables(false),
  fitsArgument
)

/** Raw nginx directives. Guarded by a permission of its own and by the forbidden-directive list on the rendered tree. */
export const Snippet = Schema.String.check(
  Schema.isMaxLength(Limits.snippetCharactersMax),
  // oxlint-disable-next-line no-control-regex -- control characters but tab and line feed are what it refuses
  matches(/^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/, "must not contain control characters"),
  wellFormed
)
