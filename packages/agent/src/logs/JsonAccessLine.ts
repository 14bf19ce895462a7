/** Reads a line of the access log that the tree has nginx write (core/nginx/AccessLog). Pure. */
import type { accessLogFields } from "@nxmesh/core/nginx/AccessLog"
import type { AccessLogEntry } from "@nxmesh/protocol/model/AccessLog"
import { type AccessRecord, count, cut, field, last, millis } from "./LogRecord.ts"

type Key = keyof typeof accessLogFields
type Fields = { readonly [key in Key]: string }

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return null // another format, or a line that was cut: the caller counts it
  }
}

/** Every value as a text: an older or newer tree may write other keys. */
const read = (line: string): Fields | null => {
  const value = parse(line)
  if (typeof value !== "object" || value === null) return null
  return new Proxy(value as Fields, {
    get: (object, key: Key) => {
      const found: unknown = Object.hasOwn(object, key) ? object[key] : ""
      return typeof found === "string" ? found : typeof found === "number" ? String(found) : ""
    }
  })
}

type Upstream = Pick<
  AccessLogEntry,
  | "upstream_addr"
  | "upstream_status"
  | "upstream_connect_time_ms"
  | "upstream_header_time_ms"
  | "upstream_response_time_ms"
>

const timed = (name: keyof Upstream, text: string): Upstream => {
  const value = millis(text)
  return value === null ? {} : { [name]: value }
}

const upstreamOf = (fields: Fields): Upstream => {
  const status = count(last(fields.upstream_status))
  return fields.upstream_addr === "" || fields.upstream_addr === "-"
    ? {}
    : {
        upstream_addr: cut(last(fields.upstream_addr), 256),
        ...(status === 0 ? {} : { upstream_status: status }),
        ...timed("upstream_connect_time_ms", fields.upstream_connect_time),
        ...timed("upstream_header_time_ms", fields.upstream_header_time),
        ...timed("upstream_response_time_ms", fields.upstream_response_time)
      }
}

/** `null` for what is no line of that log. */
export const parseJsonAccess = (line: string): AccessRecord | null => {
  const fields = read(line)
  if (fields === null) return null
  const atMillis = millis(fields.time)
  const status = count(fields.status)
  if (atMillis === null || status > 999) return null
  return {
    atMillis,
    serverName: fields.server_name.toLowerCase(),
    serverPort: fields.server_port,
    entry: {
      remote_addr: cut(fields.remote_addr, 64),
      method: cut(fields.method, 32),
      uri: field(fields.uri) ?? "",
      protocol: cut(fields.protocol, 16),
      host: cut(fields.host, 256),
      status,
      body_bytes_sent: count(fields.body_bytes_sent),
      response_time_ms: millis(fields.request_time),
      user_agent: field(fields.user_agent),
      referer: field(fields.referer),
      request_id: fields.request_id === "" ? null : cut(fields.request_id, 64),
      ...upstreamOf(fields)
    }
  }
}
