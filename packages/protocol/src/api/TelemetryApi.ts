/** What the fleet told over time (MF-001 `/metrics`): health, metrics, events, and the traffic of all together. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { AgentId } from "../Ids.ts"
import {
  AgentEventsQuery,
  EventRow,
  EventsQuery,
  FleetPoint,
  FleetQuery,
  HealthHistoryRow,
  HistoryMeta,
  HistoryQuery,
  MetricSeries,
  MetricsMeta,
  MetricsQuery
} from "../model/TelemetryHistory.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"

const params = { id: AgentId }
const rows = <S extends Schema.Top>(row: S) => Schema.Struct({ data: Schema.Array(row), meta: HistoryMeta })
const series = <S extends Schema.Top>(one: S) => Schema.Struct({ data: Schema.Array(one), meta: MetricsMeta })

export class TelemetryApi extends HttpApiGroup.make("telemetry")
  .add(
    HttpApiEndpoint.get("health", "/agents/:id/health", {
      params,
      query: HistoryQuery,
      success: rows(HealthHistoryRow),
      error: ApiErrors
    }).annotateMerge(demands("metrics:read")),
    HttpApiEndpoint.get("metrics", "/agents/:id/metrics", {
      params,
      query: MetricsQuery,
      success: series(MetricSeries),
      error: ApiErrors
    }).annotateMerge(demands("metrics:read")),
    HttpApiEndpoint.get("agentEvents", "/agents/:id/events", {
      params,
      query: AgentEventsQuery,
      success: rows(EventRow),
      error: ApiErrors
    }).annotateMerge(demands("agent:read")),
    HttpApiEndpoint.get("events", "/events", {
      query: EventsQuery,
      success: rows(EventRow),
      error: ApiErrors
    }).annotateMerge(demands("agent:read")),
    HttpApiEndpoint.get("fleet", "/metrics/fleet", {
      query: FleetQuery,
      success: series(FleetPoint),
      error: ApiErrors
    }).annotateMerge(demands("metrics:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication) {}
