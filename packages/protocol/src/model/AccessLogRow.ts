/** A line of a log as it is answered, and what lines amount to (OB-003). */
import { Schema } from "effect"
import { AgentId, VirtualHostId } from "../Ids.ts"
import { ErrorLogEntry } from "./AccessLog.ts"
import { Timestamp } from "./Text.ts"

const textOrNull = Schema.NullOr(Schema.String)
const millisOrNull = Schema.NullOr(Schema.Finite)

/** `null`: the log's format does not hold it. */
export const AccessLogRow = Schema.Struct({
  /** Also a cursor: `after` it come older lines. */
  id: Schema.String,
  agent_id: AgentId,
  /** By the agent's clock. */
  timestamp: Timestamp,
  /** An address, or what nginx had in its place, as `unix:`. */
  remote_addr: textOrNull,
  method: Schema.String,
  /** With its query. */
  uri: Schema.String,
  protocol: Schema.String,
  host: Schema.String,
  status: Schema.Int,
  body_bytes_sent: Schema.Int,
  response_time_ms: millisOrNull,
  user_agent: textOrNull,
  referer: textOrNull,
  request_id: textOrNull,
  virtual_host_id: Schema.NullOr(VirtualHostId),
  location: textOrNull,
  upstream_addr: textOrNull,
  upstream_status: Schema.NullOr(Schema.Int),
  upstream_connect_time_ms: millisOrNull,
  upstream_header_time_ms: millisOrNull,
  upstream_response_time_ms: millisOrNull,
  /** The line itself where its format is not known. */
  text: textOrNull
}).annotate({ identifier: "AccessLogRow" })
export type AccessLogRow = typeof AccessLogRow.Type

export const ErrorLogRow = Schema.Struct({
  id: Schema.String,
  agent_id: AgentId,
  timestamp: Timestamp,
  /** The message. */
  text: Schema.String,
  /** `agent` for what the agent itself says. */
  source: Schema.String,
  error: Schema.NullOr(ErrorLogEntry)
}).annotate({ identifier: "ErrorLogRow" })
export type ErrorLogRow = typeof ErrorLogRow.Type

export const MissingMaster = Schema.Struct({ master: Schema.String, reason: Schema.String }).annotate({
  identifier: "MissingMaster"
})

/** What an answer of many masters says of itself. */
const answerFields = {
  /** The range that was looked at: what was asked for, or the default. */
  from: Timestamp,
  to: Timestamp,
  /** Masters that did not answer: their agents' lines are missing. Always empty where all masters share a Postgres. */
  missing: Schema.Array(MissingMaster)
}

export const LogPageMeta = Schema.Struct({
  ...answerFields,
  /** `after` of the next page; `null` at the end. */
  next: textOrNull
}).annotate({ identifier: "LogPageMeta" })
export type LogPageMeta = typeof LogPageMeta.Type

/** Latencies: `avg` is exact, percentiles are within 2 % of the true one. */
export const AccessLogLatency = Schema.Struct({
  avg: Schema.Finite,
  p50: Schema.Finite,
  p95: Schema.Finite,
  p99: Schema.Finite
}).annotate({ identifier: "AccessLogLatency" })

export const AccessLogGroup = Schema.Struct({
  /** The dimensions that were asked for, with their values; `null` where a line does not have one. */
  key: Schema.Record(Schema.String, textOrNull),
  /** The beginning of the time that the group is of. Only with `bucket_seconds`. */
  bucket: Schema.optionalKey(Timestamp),
  count: Schema.Int,
  bytes: Schema.Finite,
  /** Share of requests with a status from 500 on. */
  error_rate: Schema.Finite,
  /** `null` where no line of the group has one. */
  latency_ms: Schema.NullOr(AccessLogLatency)
}).annotate({ identifier: "AccessLogGroup" })
export type AccessLogGroup = typeof AccessLogGroup.Type

export const LogAggregateMeta = Schema.Struct({
  ...answerFields,
  /** Whether there are groups that are not in the answer. */
  truncated: Schema.Boolean
}).annotate({ identifier: "LogAggregateMeta" })
export type LogAggregateMeta = typeof LogAggregateMeta.Type
