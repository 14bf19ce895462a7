/**
 * What may be asked of access and error logs (OB-003): one filter for REST, GraphQL, the live tail and the command line. Every
 * field is optional, and all that are given must match.
 */
import { Schema } from "effect"
import { AgentId, VirtualHostId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { ErrorLogEntry } from "./AccessLog.ts"
import { withDefault } from "./Resource.ts"
import { line, wellFormed } from "./Text.ts"

const dateForm = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

/** An instant, or a day in UTC, which is its first instant: `2026-03-01`, `2026-03-01T10:30Z`, `2026-03-01T10:30:00.250+01:00`. */
export const LogInstant = Schema.String.check(
  Schema.makeFilter((text: string) =>
    dateForm.test(text) && !Number.isNaN(Date.parse(text))
      ? undefined
      : "must be a day, as in 2026-03-01, or an instant with its zone, as in 2026-03-01T10:30:00Z"
  )
)

const statusNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))
const text = line(Limits.logFilterCharactersMax)

/** A status, or a class of them. */
const StatusText = Schema.String.check(
  Schema.isPattern(/^(?:[1-5]xx|[1-9]\d\d)$/, { message: "must be a status, as in 404, or a class, as in 5xx" })
)

/** `10.0.0.7` or `10.0.0.0/8`. Whether it is one, `packages/master` checks: it takes the machine's own parser. */
const AddressText = Schema.String.check(
  Schema.isPattern(/^[0-9a-fA-F:.]{2,45}(?:\/\d{1,3})?$/, {
    message: "must be an address or a network, as in 203.0.113.7 or 2001:db8::/32"
  })
)

/** The time is bounded always: from an hour before `to`, and to now, where nothing else is said. */
const timeFields = {
  /** Included. */
  from: Schema.optionalKey(LogInstant),
  /** Excluded. */
  to: Schema.optionalKey(LogInstant)
}

const whoseFields = {
  agent_id: Schema.optionalKey(AgentId),
  workspace_id: Schema.optionalKey(WorkspaceId)
}

/** What a line must hold, without its time. */
export const accessLogConditionFields = {
  ...whoseFields,
  /** The whole name, as the client named it. */
  host: Schema.optionalKey(line(256)),
  status: Schema.optionalKey(StatusText),
  status_gte: Schema.optionalKey(statusNumber),
  status_lte: Schema.optionalKey(statusNumber),
  method: Schema.optionalKey(line(32)),
  /** Of the path, without its query. */
  path_prefix: Schema.optionalKey(text),
  /** Within path, query, user agent or referer; Latin letters in either case. */
  text: Schema.optionalKey(text),
  latency_ms_gte: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  latency_ms_lte: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  remote_address: Schema.optionalKey(AddressText),
  request_id: Schema.optionalKey(line(64)),
  virtual_host_id: Schema.optionalKey(VirtualHostId)
}

export const accessLogFilterFields = { ...timeFields, ...accessLogConditionFields }

/** The filter by itself, strictly read: what GraphQL's arguments are decoded by. */
export const AccessLogFilterInput = Schema.Struct(accessLogFilterFields)
export type AccessLogFilterInput = typeof AccessLogFilterInput.Type

/** A place in the list, given by an answer; its form is the master's own. */
const Cursor = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,256}$/, { message: "must be a cursor of an answer" })
)

const pageFields = {
  limit: withDefault(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.logLinesPerPageMax })),
    Limits.logLinesPerPageDefault
  ),
  /** `meta.next` of an answer: what comes after it, which is older. */
  after: Schema.optionalKey(Cursor)
}

export const AccessLogQuery = Schema.Struct({ ...accessLogFilterFields, ...pageFields })
export type AccessLogQuery = typeof AccessLogQuery.Type

export const AccessLogExportQuery = Schema.Struct({
  ...accessLogFilterFields,
  limit: withDefault(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.logLinesPerExportMax })),
    Limits.logLinesPerExportMax
  )
})
export type AccessLogExportQuery = typeof AccessLogExportQuery.Type

/** A live tail has no time: it begins now. */
export const AccessLogTailQuery = Schema.Struct(accessLogConditionFields)
export type AccessLogTailQuery = typeof AccessLogTailQuery.Type

export const AccessLogDimension = Schema.Literals([
  "agent_id",
  "host",
  "method",
  "path",
  "protocol",
  "status",
  "status_class",
  "remote_addr",
  "user_agent",
  "referer",
  "virtual_host_id",
  "location",
  "upstream_addr"
])
export type AccessLogDimension = typeof AccessLogDimension.Type

const isDimension = Schema.is(AccessLogDimension)

/** `host,status`: one or several dimensions. */
const GroupBy = Schema.String.check(
  Schema.isMaxLength(256),
  Schema.makeFilter((names: string) => {
    const parts = names.split(",")
    const wrong = parts.find((part) => !isDimension(part))
    if (wrong !== undefined) return `${wrong} is none of ${AccessLogDimension.literals.join(", ")}`
    if (new Set(parts).size !== parts.length) return "must name each dimension once"
    return parts.length > Limits.logDimensionsMax
      ? `must name at most ${Limits.logDimensionsMax} dimensions`
      : undefined
  })
)

export const AccessLogAggregateQuery = Schema.Struct({
  ...accessLogFilterFields,
  group_by: Schema.optionalKey(GroupBy),
  /** Groups of so many seconds as well, counted from 1970. */
  bucket_seconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 31_536_000 }))),
  /** So many groups, those with the most requests. With buckets, the newest of them first. */
  limit: withDefault(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.logGroupsMax })),
    Limits.logGroupsDefault
  )
})
export type AccessLogAggregateQuery = typeof AccessLogAggregateQuery.Type

export const ErrorLogLevel = ErrorLogEntry.fields.level
export const ErrorLogQuery = Schema.Struct({
  ...timeFields,
  ...whoseFields,
  /** This level and those that are worse. */
  level: Schema.optionalKey(ErrorLogLevel),
  host: Schema.optionalKey(line(256)),
  /** Within the message; Latin letters in either case. */
  text: Schema.optionalKey(text.check(wellFormed)),
  ...pageFields
})
export type ErrorLogQuery = typeof ErrorLogQuery.Type
