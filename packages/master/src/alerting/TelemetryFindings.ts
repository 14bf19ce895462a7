/** Conditions that are judged by what the fleet tells: lines of access and error logs, asked of all masters at a bounded cost. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { AccessLogGroup } from "@nxmesh/protocol/model/AccessLogRow"
import type { AlertCondition, ConditionOf } from "@nxmesh/protocol/model/AlertCondition"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import { Effect } from "effect"
import type { AccessLogFilter } from "../telemetry/accessLogs/AccessLogFilter.ts"
import { AccessLogs, type LogAggregate } from "../telemetry/accessLogs/AccessLogs.ts"
import { asciiLower } from "../telemetry/accessLogs/AsciiLower.ts"
import type { MissingMaster } from "../telemetry/TelemetryGather.ts"
import { findingOf, type SeenAgent } from "./AgentFindings.ts"
import { type Finding, type Findings, selects, unjudged } from "./Findings.ts"

const kinds: ReadonlySet<AlertCondition["kind"]> = new Set(["error_log", "error_rate", "latency"])

export const isTelemetry = ({ kind }: AlertCondition): boolean => kinds.has(kind)

type AgentsById = ReadonlyMap<string, SeenAgent>

const round = (value: number): number => Math.round(value * 10) / 10

const gapOf = (missing: ReadonlyArray<MissingMaster>): string | null =>
  missing.length === 0
    ? null
    : missing.map(({ master, reason }) => `master ${master} did not answer: ${reason}`).join("; ")

/** What is found counts, also where there are gaps; of everybody else nothing is known then. */
const withGaps = (found: ReadonlyArray<Finding>, problem: string | null): Findings => ({
  found,
  unknown: problem === null ? new Set() : "all",
  problem
})

/** An agent of which no line came had no requests, and so no errors. */
const ofGroups = (
  agents: AgentsById,
  { groups, missing, truncated }: LogAggregate,
  judge: (group: AccessLogGroup) => { readonly reason: string; readonly value: number } | null
): Findings => {
  const found = groups.flatMap((group) => {
    const seen = agents.get(group.key["agent_id"] ?? "")
    const judged = seen === undefined ? null : judge(group)
    return seen === undefined || judged === null ? [] : [findingOf(seen, judged)]
  })
  const cut = truncated ? `only the ${ProtocolLimits.logGroupsMax} agents with the most requests were judged` : null
  return withGaps(found, gapOf(missing) ?? cut)
}

const within = ({ window_seconds }: { readonly window_seconds: number }): string => `in ${window_seconds} s`

export const errorRateFindings = (
  condition: ConditionOf<"error_rate">,
  agents: AgentsById,
  all: LogAggregate,
  failed: ReadonlyMap<string, number>
): Findings =>
  ofGroups(agents, all, ({ count, key }) => {
    const errors = failed.get(key["agent_id"] ?? "") ?? 0
    const percent = count === 0 ? 0 : (errors / count) * 100
    if (count < condition.requests_min || percent <= condition.above_percent) return null
    return {
      reason: `${round(percent)} % of ${count} requests ${within(condition)} were answered with ${condition.status_min} or more`,
      value: round(percent)
    }
  })

export const latencyFindings = (condition: ConditionOf<"latency">, agents: AgentsById, all: LogAggregate): Findings =>
  ofGroups(agents, all, ({ count, latency_ms }) => {
    const millis = latency_ms?.[`p${condition.percentile}`]
    if (count < condition.requests_min || millis === undefined || millis <= condition.above_millis) return null
    return {
      reason: `${condition.percentile} % of ${count} requests ${within(condition)} took up to ${round(millis)} ms`,
      value: round(millis)
    }
  })

interface ErrorLine {
  readonly agent_id: AgentId
  readonly text: string
}

export const errorLogFindings = (
  condition: ConditionOf<"error_log">,
  agents: AgentsById,
  page: {
    readonly rows: ReadonlyArray<ErrorLine>
    readonly next: string | null
    readonly missing: ReadonlyArray<MissingMaster>
  }
): Findings => {
  const found = [...Map.groupBy(page.rows, ({ agent_id }) => agent_id)].flatMap(([id, lines]) => {
    const seen = agents.get(id)
    if (seen === undefined || lines.length < condition.lines_min) return []
    const count = lines.length
    const reason = `${count} lines of the error log ${within(condition)}, the last: ${lines[0]?.text ?? ""}`
    return [findingOf(seen, { reason, value: count })]
  })
  const full =
    page.next === null
      ? null
      : `more than ${page.rows.length} lines match: choose a worse level, a text or a shorter window`
  return withGaps(found, gapOf(page.missing) ?? full)
}

/** Agents' clocks may be a little ahead; what lies in the future is of the next window. */
const filterOf = (agentIds: ReadonlyArray<AgentId>, windowSeconds: number, nowMillis: number): AccessLogFilter => ({
  fromMillis: nowMillis - windowSeconds * 1_000,
  toMillis: nowMillis,
  agentIds,
  host: null,
  statusMin: null,
  statusMax: null,
  method: null,
  pathPrefix: null,
  text: null,
  latencyMicrosMin: null,
  latencyMicrosMax: null,
  address: null,
  requestId: null,
  virtualHostId: null
})

const byAgent = Effect.fnUntraced(function* (filter: AccessLogFilter) {
  const { aggregate } = yield* AccessLogs
  return yield* aggregate({ filter, dimensions: ["agent_id"], bucketSeconds: null, limit: ProtocolLimits.logGroupsMax })
})

const answer = Effect.fnUntraced(function* (condition: AlertCondition, agents: AgentsById, nowMillis: number) {
  const ids = [...agents.values()].map(({ agent }) => agent.id)
  switch (condition.kind) {
    case "error_rate": {
      const filter = filterOf(ids, condition.window_seconds, nowMillis)
      const all = yield* byAgent(filter)
      const errors = yield* byAgent({ ...filter, statusMin: condition.status_min, statusMax: 599 })
      const failed = new Map(errors.groups.map(({ count, key }) => [key["agent_id"] ?? "", count]))
      return errorRateFindings(condition, agents, all, failed)
    }
    case "latency":
      return latencyFindings(condition, agents, yield* byAgent(filterOf(ids, condition.window_seconds, nowMillis)))
    case "error_log": {
      const { contains, least, window_seconds } = condition
      const filter = {
        fromMillis: nowMillis - window_seconds * 1_000,
        toMillis: nowMillis,
        agentIds: ids,
        level: least,
        host: null,
        text: contains === "" ? null : asciiLower(contains)
      }
      const { errors } = yield* AccessLogs
      const page = yield* errors({ filter, after: null, limit: ProtocolLimits.alertLogLinesMax })
      return errorLogFindings(condition, agents, page)
    }
    default:
      return unjudged(`${condition.kind} is not judged by telemetry`)
  }
})

/** Never fails: what cannot be asked is a problem of the rule, and shown. */
export const askTelemetry = Effect.fn("Alerting.telemetry")(function* (
  rule: AlertRule,
  agents: ReadonlyArray<SeenAgent>,
  nowMillis: number
) {
  const selected = agents.filter(({ agent, place }) => selects(rule, agent, place))
  if (selected.length === 0) return withGaps([], null)
  const byId = new Map(selected.map((seen) => [seen.agent.id as string, seen]))
  return yield* answer(rule.condition, byId, nowMillis).pipe(
    Effect.catch(({ message }) => Effect.succeed(unjudged(message)))
  )
})
