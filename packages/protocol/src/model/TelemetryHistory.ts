/** What the fleet told over time, as it is asked for and answered: health, metrics and events (OB). */
import { Schema } from "effect"
import { AgentId, OrganizationId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { LogInstant } from "./AccessLogQuery.ts"
import { LogPageMeta, MissingMaster } from "./AccessLogRow.ts"
import { HealthReport } from "./Health.ts"
import { withDefault } from "./Resource.ts"
import { line, Timestamp } from "./Text.ts"

/** From an hour before `to`, and to now, where nothing else is said. */
const timeFields = { from: Schema.optionalKey(LogInstant), to: Schema.optionalKey(LogInstant) }

const Cursor = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_-]{1,256}$/, { message: "must be a cursor of an answer" })
)
const pageFields = {
  limit: withDefault(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.perPageMax })),
    Limits.perPageDefault
  ),
  /** `meta.next` of an answer: what comes after it, which is older. */
  after: Schema.optionalKey(Cursor)
}

export const HistoryQuery = Schema.Struct({ ...timeFields, ...pageFields })
export type HistoryQuery = typeof HistoryQuery.Type

export const HealthHistoryRow = Schema.Struct({
  id: Schema.String,
  /** By the agent's clock. */
  timestamp: Timestamp,
  received_at: Timestamp,
  health: HealthReport
}).annotate({ identifier: "HealthHistoryRow" })
export type HealthHistoryRow = typeof HealthHistoryRow.Type

const eventKind = Schema.String.check(
  Schema.isPattern(/^[a-z_]{1,64}$/, { message: "must be the name of a kind, as in agent_offline" })
)

export const EventsQuery = Schema.Struct({
  ...timeFields,
  agent_id: Schema.optionalKey(AgentId),
  workspace_id: Schema.optionalKey(WorkspaceId),
  kind: Schema.optionalKey(eventKind),
  ...pageFields
})
export type EventsQuery = typeof EventsQuery.Type

export const AgentEventsQuery = Schema.Struct({ ...timeFields, kind: Schema.optionalKey(eventKind), ...pageFields })

export const EventRow = Schema.Struct({
  id: Schema.String,
  timestamp: Timestamp,
  kind: Schema.String,
  agent_id: Schema.NullOr(AgentId),
  workspace_id: Schema.NullOr(WorkspaceId),
  organization_id: Schema.NullOr(OrganizationId),
  /** One sentence for a person. */
  text: Schema.String,
  /** What a program wants to know of it; its form follows from the kind. */
  data: Schema.Unknown
}).annotate({ identifier: "EventRow" })
export type EventRow = typeof EventRow.Type

/** Seconds; where it is not given, so that about a hundred points are answered. */
const step = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_592_000 })))

export const MetricsQuery = Schema.Struct({
  ...timeFields,
  step,
  /** Only metrics whose names begin so. */
  name_prefix: Schema.optionalKey(line(128))
})
export type MetricsQuery = typeof MetricsQuery.Type

export const FleetQuery = Schema.Struct({ ...timeFields, step, workspace_id: Schema.optionalKey(WorkspaceId) })
export type FleetQuery = typeof FleetQuery.Type

export const MetricPoint = Schema.Struct({
  /** The step's beginning. */
  timestamp: Timestamp,
  avg: Schema.Finite,
  min: Schema.Finite,
  max: Schema.Finite,
  last: Schema.Finite,
  /** Of a counter: by how much it rose, per second; a counter that began at zero anew is seen. `null` of everything else. */
  rate: Schema.NullOr(Schema.Finite)
}).annotate({ identifier: "MetricPoint" })

export const MetricSeries = Schema.Struct({
  name: Schema.String,
  labels: Schema.Record(Schema.String, Schema.String),
  points: Schema.Array(MetricPoint)
}).annotate({ identifier: "MetricSeries" })
export type MetricSeries = typeof MetricSeries.Type

export const MetricsMeta = Schema.Struct({
  from: Timestamp,
  to: Timestamp,
  /** Seconds. */
  step: Schema.Int,
  /** What was read: samples as they came, or their rollups by minute or hour. */
  resolution: Schema.Literals(["raw", "minute", "hour"]),
  missing: Schema.Array(MissingMaster)
}).annotate({ identifier: "MetricsMeta" })
export type MetricsMeta = typeof MetricsMeta.Type

/** All that the visible agents served within a step, per second where nothing else is said. */
export const FleetPoint = Schema.Struct({
  timestamp: Timestamp,
  requests: Schema.Finite,
  client_errors: Schema.Finite,
  server_errors: Schema.Finite,
  bytes: Schema.Finite,
  /** Mean time of a request; `null` where there was none. Percentiles are the access logs' to tell. */
  latency_ms: Schema.NullOr(Schema.Finite),
  /** Open connections, on average. */
  connections: Schema.Finite
}).annotate({ identifier: "FleetPoint" })
export type FleetPoint = typeof FleetPoint.Type

export const HistoryMeta = LogPageMeta
