import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { AgentId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { allows, visibleScopes } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Limits } from "../Limits.ts"
import { Database } from "../state/Database.ts"
import { agentsIn } from "../state/ReadAgentsIn.ts"
import { Reads } from "../state/Reads.ts"
import { isoOf } from "../telemetry/accessLogs/AccessLogPageSql.ts"
import { chosenStep } from "../telemetry/history/MetricHistory.ts"
import { type HistoryFailed, TelemetryHistory } from "../telemetry/history/TelemetryHistory.ts"
import { hourMillis, minuteMillis, type Resolution, resolutionFor } from "../telemetry/MetricRollup.ts"
import { retentionBounds } from "../telemetry/RetentionSettings.ts"
import { TelemetrySql } from "../telemetry/TelemetrySql.ts"
import { askedPlace, askedRange } from "./LogQuestions.ts"
import { invalid, notFound, refuse } from "./Refusal.ts"

const refusal = ({ message, reason }: HistoryFailed) =>
  refuse(reason === "TooMuch" ? "UNPROCESSABLE" : "UNAVAILABLE", message)

/** Fails as for what does not exist where it may not be seen. */
const requireAgent = Effect.fnUntraced(function* (id: AgentId, permission: Permission) {
  const { access } = yield* CurrentUser
  const reads = yield* Reads
  const agent = yield* reads.get("agent", id)
  const scope = agent === undefined ? undefined : yield* reads.scopeOfWorkspace(agent.workspace_id)
  if (scope === undefined || !allows(access, permission, scope)) return yield* Effect.fail(notFound("agent", id))
})

const requireWorkspace = Effect.fnUntraced(function* (id: WorkspaceId, permission: Permission) {
  const { access } = yield* CurrentUser
  const scope = yield* (yield* Reads).scopeOfWorkspace(id)
  if (scope === undefined || !allows(access, permission, scope)) return yield* Effect.fail(notFound("workspace", id))
})

/** Whose events somebody may see; `null` for all. */
const eventsSeen = Effect.fnUntraced(function* () {
  const { access } = yield* CurrentUser
  const visible = visibleScopes(access, "agent:read")
  if (visible === "all") return null
  const { reader } = yield* Database
  return {
    agentIds: agentsIn(reader, visible, null) ?? [],
    workspaceIds: [...visible.workspaceIds],
    organizationIds: [...visible.organizationIds]
  }
})

const pageOf = Effect.fnUntraced(function* (query: {
  readonly from?: string
  readonly to?: string
  readonly after?: string
  readonly limit: number
}) {
  const range = yield* askedRange(query)
  return { ...range, after: yield* askedPlace(query.after), limit: query.limit }
})

const unitMillis = { raw: 1_000, minute: minuteMillis, hour: hourMillis } as const

/** Range and step, refused where that would be more points than anybody can look at. */
const stepsOf = Effect.fnUntraced(function* (
  query: { readonly from?: string; readonly to?: string; readonly step?: number },
  finest: Resolution
) {
  const range = yield* askedRange(query)
  const stepMillis = Math.max(unitMillis[finest], chosenStep(query.step, range.fromMillis, range.toMillis))
  if ((range.toMillis - range.fromMillis) / stepMillis > Limits.telemetry.pointsMax) {
    const seconds = Math.ceil((range.toMillis - range.fromMillis) / Limits.telemetry.pointsMax / 1_000)
    return yield* Effect.fail(
      invalid([{ field: "step", message: `must be at least ${seconds} for this range, or the range shorter` }])
    )
  }
  const { dialect } = yield* TelemetrySql
  const { keptMillis } = yield* yield* retentionBounds(dialect)
  const resolution = resolutionFor(
    { fromMillis: range.fromMillis, nowMillis: yield* Clock.currentTimeMillis, stepMillis },
    { rawMillis: keptMillis.metrics, minuteMillis: keptMillis.metrics_minute }
  )
  // A step is made of whole rows.
  const unit = Math.max(unitMillis[finest], unitMillis[resolution])
  return { ...range, stepMillis: Math.ceil(stepMillis / unit) * unit, resolution }
})

export const layerTelemetryApi = HttpApiBuilder.group(
  NxMeshApi,
  "telemetry",
  Effect.fnUntraced(function* (handlers) {
    const history = yield* TelemetryHistory
    const events = Effect.fnUntraced(function* (
      query: Parameters<typeof pageOf>[0] & { readonly kind?: string },
      agentId: AgentId | null,
      workspaceId: WorkspaceId | null
    ) {
      const page = yield* pageOf(query)
      const seen = yield* eventsSeen()
      const asked = { ...page, seen, agentId, workspaceId, kind: query.kind ?? null }
      const { missing, next, rows } = yield* Effect.mapError(history.events(asked), refusal)
      return { data: rows, meta: { from: isoOf(page.fromMillis), to: isoOf(page.toMillis), missing, next } }
    })
    return handlers.handleAll({
      health: Effect.fn("telemetry.health")(function* ({ params, query }) {
        yield* requireAgent(params.id, "metrics:read")
        const page = yield* pageOf(query)
        const found = yield* Effect.mapError(history.health({ ...page, agentId: params.id }), refusal)
        const { missing, next, rows } = found
        return { data: rows, meta: { from: isoOf(page.fromMillis), to: isoOf(page.toMillis), missing, next } }
      }),
      metrics: Effect.fn("telemetry.metrics")(function* ({ params, query }) {
        yield* requireAgent(params.id, "metrics:read")
        const asked = { ...(yield* stepsOf(query, "raw")), agentId: params.id, namePrefix: query.name_prefix ?? "" }
        const { missing, series } = yield* Effect.mapError(history.metrics(asked), refusal)
        const { fromMillis, resolution, stepMillis, toMillis } = asked
        const meta = { from: isoOf(fromMillis), to: isoOf(toMillis), step: stepMillis / 1_000, resolution, missing }
        return { data: series, meta }
      }),
      agentEvents: Effect.fn("telemetry.agentEvents")(function* ({ params, query }) {
        yield* requireAgent(params.id, "agent:read")
        return yield* events(query, params.id, null)
      }),
      events: Effect.fn("telemetry.events")(function* ({ query }) {
        if (query.agent_id !== undefined) yield* requireAgent(query.agent_id, "agent:read")
        if (query.workspace_id !== undefined) yield* requireWorkspace(query.workspace_id, "agent:read")
        return yield* events(query, query.agent_id ?? null, query.workspace_id ?? null)
      }),
      fleet: Effect.fn("telemetry.fleet")(function* ({ query }) {
        const { access } = yield* CurrentUser
        const { reader } = yield* Database
        if (query.workspace_id !== undefined) yield* requireWorkspace(query.workspace_id, "metrics:read")
        const agentIds = agentsIn(reader, visibleScopes(access, "metrics:read"), query.workspace_id ?? null)
        const steps = yield* stepsOf(query, "minute")
        const resolution: "hour" | "minute" = steps.resolution === "hour" ? "hour" : "minute"
        const { fromMillis, stepMillis, toMillis } = steps
        const found = yield* Effect.mapError(
          history.fleet({ agentIds, fromMillis, toMillis, stepMillis, resolution }),
          refusal
        )
        const meta = { from: isoOf(fromMillis), to: isoOf(toMillis), step: stepMillis / 1_000, resolution }
        return { data: found.series, meta: { ...meta, missing: found.missing } }
      })
    })
  })
)
