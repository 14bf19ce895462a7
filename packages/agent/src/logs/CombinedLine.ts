/**
 * Reads nginx's predefined format `combined`: `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
 * "$http_referer" "$http_user_agent"`. Pure.
 *
 * Source: nginx documentation of ngx_http_log_module; `ngx_http_log_escape` for what `escape=default` does: quotes, backslashes
 * and bytes outside 32…126 become `\xXX`, and an absent value `-`.
 */
import { type AccessRecord, count, cut, field } from "./LogRecord.ts"

const quoted = String.raw`"((?:[^"\\]|\\.)*)"`
const form = new RegExp(String.raw`^(\S+) - (.*?) \[([^\]]{20,40})\] ${quoted} (\d{1,3}) (\d+|-) ${quoted} ${quoted}`)
const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
const localTime = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/

/** `$time_local`, as in `02/Mar/2026:14:30:00 +0100`; milliseconds since the epoch, or `null`. */
export const parseLocalTime = (text: string): number | null => {
  const match = localTime.exec(text)
  if (match === null) return null
  const [, day, name = "", year, hour, minute, second, sign, offsetHours, offsetMinutes] = match
  const month = months.indexOf(name) / 3
  if (!Number.isInteger(month) || month < 0) return null
  const utc = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000
  return sign === "+" ? utc - offset : utc + offset
}

/** Undoes `escape=default`; what is then no UTF-8 becomes U+FFFD. */
export const unescapeDefault = (text: string): string => {
  if (!text.includes("\\")) return text
  const bytes = text.replace(/\\x([0-9A-Fa-f]{2})|[^\x20-\x7e]/g, (whole, hex: string | undefined) =>
    hex === undefined ? Buffer.from(whole, "utf8").toString("latin1") : String.fromCharCode(Number.parseInt(hex, 16))
  )
  return Buffer.from(bytes, "latin1").toString("utf8")
}

/** A request line; one that is none (a TLS handshake on a plain port) is all URI. */
const parseRequest = (text: string) => {
  const match = /^([A-Z_-]{1,32}) (.*?)(?: (HTTP\/\d(?:\.\d)?))?$/s.exec(text)
  return match === null
    ? { method: "", uri: text, protocol: "" }
    : { method: match[1] ?? "", uri: match[2] ?? "", protocol: match[3] ?? "HTTP/0.9" }
}

/** `null` for what is no line of that format. What follows the user agent, as in formats made of this one, is not read. */
export const parseCombined = (line: string): AccessRecord | null => {
  const match = form.exec(line)
  if (match === null) return null
  const [, address = "", , time = "", request = "", status = "", bytes = "", referer = "", agent = ""] = match
  const atMillis = parseLocalTime(time)
  if (atMillis === null) return null
  const { method, protocol, uri } = parseRequest(unescapeDefault(request))
  return {
    atMillis,
    serverName: "",
    serverPort: "",
    entry: {
      remote_addr: cut(address, 64),
      method,
      uri: field(uri) ?? "",
      protocol,
      host: "",
      status: Number(status),
      body_bytes_sent: count(bytes),
      response_time_ms: null,
      user_agent: field(unescapeDefault(agent)),
      referer: field(unescapeDefault(referer)),
      request_id: null
    }
  }
}
