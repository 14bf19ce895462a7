/** What nginx's logs say, in fields (OB-003). When it was, and which agent's nginx it was, the line around it knows. */
import { Schema } from "effect"
import { VirtualHostId } from "../Ids.ts"
import { Limits } from "../Limits.ts"

const text = (charactersMax: number) => Schema.String.check(Schema.isMaxLength(charactersMax))
const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * One request. Texts are as the client sent them, cut where they are too long; bytes that are no UTF-8 became U+FFFD. What a log
 * format does not hold is `null` or empty.
 */
export const AccessLogEntry = Schema.Struct({
  remote_addr: text(64),
  method: text(32),
  /** With its query. */
  uri: text(Limits.logFieldCharactersMax),
  protocol: text(16),
  host: text(256),
  status: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 })),
  body_bytes_sent: natural,
  response_time_ms: Schema.NullOr(millis),
  user_agent: Schema.NullOr(text(Limits.logFieldCharactersMax)),
  referer: Schema.NullOr(text(Limits.logFieldCharactersMax)),
  request_id: Schema.NullOr(text(64)),
  /** The virtual host that answered, where it is one of NxMesh's. */
  virtual_host_id: Schema.optionalKey(VirtualHostId),
  /** Path of that host's location. Absent where regular expressions decide: they are nginx's to read. */
  location: Schema.optionalKey(text(Limits.pathCharactersMax)),
  /** Of a request that went to a backend: the last one asked, its status, and the sums over all that were asked. */
  upstream_addr: Schema.optionalKey(text(256)),
  upstream_status: Schema.optionalKey(Schema.Int),
  upstream_connect_time_ms: Schema.optionalKey(millis),
  upstream_header_time_ms: Schema.optionalKey(millis),
  upstream_response_time_ms: Schema.optionalKey(millis)
}).annotate({ identifier: "AccessLogEntry" })
export type AccessLogEntry = typeof AccessLogEntry.Type

/** One message of nginx's error log; the message itself is the line's text. */
export const ErrorLogEntry = Schema.Struct({
  level: Schema.Literals(["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"]),
  pid: Schema.NullOr(natural),
  /** nginx's number of the client's connection. */
  connection_id: Schema.NullOr(natural),
  client: Schema.NullOr(text(64)),
  server: Schema.NullOr(text(256)),
  request: Schema.NullOr(text(Limits.logFieldCharactersMax)),
  upstream: Schema.NullOr(text(Limits.logFieldCharactersMax)),
  host: Schema.NullOr(text(256))
}).annotate({ identifier: "ErrorLogEntry" })
export type ErrorLogEntry = typeof ErrorLogEntry.Type
