/** Conditions about one agent each, judged by what is known of it: its presence, its last report, its last deployment. Pure. */
import type { Generation } from "@nxmesh/protocol/Ids"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { AgentMetric, AlertCondition, ConditionOf } from "@nxmesh/protocol/model/AlertCondition"
import type { Deployment } from "@nxmesh/protocol/model/Deployment"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { Place } from "@nxmesh/protocol/model/Place"
import type { Finding } from "./Findings.ts"

export interface SeenAgent {
  readonly agent: StoredAgent
  readonly place: Place
  /** On a connection, or on its way to one. */
  readonly present: boolean
  readonly health: HealthReport | null
  readonly deployment: Deployment | undefined
  /** `undefined`: not looked at, or not known. */
  readonly desired: Generation | undefined
  readonly serving: Generation | undefined
}

/** `part` tells several findings about one agent apart. */
interface Found {
  readonly part?: string
  readonly reason: string
  readonly value?: number
}

/** `unknown`: what it takes to judge is not there. */
type Judgement = ReadonlyArray<Found> | "unknown"

const nothing: ReadonlyArray<Found> = []
const one = (reason: string, value?: number): ReadonlyArray<Found> => [
  { reason, ...(value === undefined ? {} : { value }) }
]

const offline = ({ agent, present }: SeenAgent): Judgement =>
  present || agent.enrolled_at === null ? nothing : one("is not connected to any master")

/** Somebody stopped it, by a command or on the machine: then nothing is wrong. */
const isStopped = ({ agent }: SeenAgent, health: HealthReport): boolean =>
  agent.nginx_stopped !== undefined || health.alerts.some(({ code }) => code === "nginx_stopped")

const nginxDown = (seen: SeenAgent, health: HealthReport): Judgement =>
  health.nginx_status.is_running || isStopped(seen, health) ? nothing : one("nginx is not running")

const drift = (_: SeenAgent, { drift: found }: HealthReport): Judgement => {
  if (found === undefined || found === null) return nothing
  const count = found.files.length + found.omitted
  const first = found.files[0]?.path ?? "a file"
  return one(
    `${count === 1 ? first : `${first} and ${count - 1} more`} differ from what was deployed (${found.response})`,
    count
  )
}

const deploymentFailed = ({ deployment, desired }: SeenAgent): Judgement => {
  if (deployment === undefined) return nothing
  const { error, quarantined = [], status } = deployment
  if (status === "settled") {
    const [first] = quarantined
    return first === undefined
      ? nothing
      : one(
          `${quarantined.length} resources are left out, because nginx refuses them: ${first.message}`,
          quarantined.length
        )
  }
  // A failure of something that is no longer wanted is history, unless nobody knows what nginx serves after it.
  if (status !== "rollback_failed" && desired !== undefined && deployment.generation !== desired) return nothing
  return one(`the last deployment ended as ${status}${error === null ? "" : `: ${error.step}: ${error.message}`}`)
}

const notConverged = ({ desired, present, serving }: SeenAgent): Judgement => {
  if (!present || desired === undefined) return "unknown"
  return serving === desired ? nothing : one("does not serve what it should")
}

const agentAlerts = (
  { codes, except_codes, least }: ConditionOf<"agent_alert">,
  { alerts }: HealthReport
): Judgement => {
  const byCode = new Map<string, Found>()
  for (const { code, message, severity } of alerts) {
    const isAsked = (codes.length === 0 || codes.includes(code)) && !except_codes.includes(code)
    if (!isAsked || (least === "critical" && severity === "warning") || byCode.has(code)) continue
    byCode.set(code, { part: code, reason: message })
  }
  return [...byCode.values()]
}

const share = (used: number | undefined, total: number | undefined): number | undefined =>
  used === undefined || total === undefined || total <= 0 ? undefined : (used / total) * 100

/** `undefined`: the agent does not report it. */
const metricOf = ({ nginx_status, system_metrics: system }: HealthReport, metric: AgentMetric): number | undefined => {
  switch (metric) {
    case "cpu_percent":
      return system.cpu_percent
    case "memory_percent":
      return share(system.memory_used_mb, system.memory_total_mb)
    case "disk_percent":
      return share(system.disk_used_gb, system.disk_total_gb)
    case "open_files_percent":
      return share(system.nginx_open_files, system.nginx_open_files_max)
    case "active_connections":
      return nginx_status.active_connections
    case "requests_per_second":
      return nginx_status.requests_per_second
  }
}

const agentMetric = ({ is, metric, threshold }: ConditionOf<"agent_metric">, health: HealthReport): Judgement => {
  const value = metricOf(health, metric)
  if (value === undefined) return "unknown"
  const isCrossed = is === "above" ? value > threshold : value < threshold
  return isCrossed ? one(`${metric} is ${Math.round(value * 10) / 10}, ${is} ${threshold}`, value) : nothing
}

/** What the last report says of an agent that is away is old: nothing is known then. */
const reported = (seen: SeenAgent, judge: (health: HealthReport) => Judgement): Judgement =>
  seen.present && seen.health !== null ? judge(seen.health) : "unknown"

const judgeAgent = (condition: AlertCondition, seen: SeenAgent): Judgement => {
  switch (condition.kind) {
    case "agent_offline":
      return offline(seen)
    case "nginx_down":
      return reported(seen, (health) => nginxDown(seen, health))
    case "drift":
      return reported(seen, (health) => drift(seen, health))
    case "deployment_failed":
      return deploymentFailed(seen)
    case "not_converged":
      return notConverged(seen)
    case "agent_alert":
      return reported(seen, (health) => agentAlerts(condition, health))
    case "agent_metric":
      return reported(seen, (health) => agentMetric(condition, health))
    default:
      return "unknown"
  }
}

/** What is found of the agent; `unknown`: it cannot be judged now. */
export const agentFindings = (condition: AlertCondition, seen: SeenAgent): ReadonlyArray<Finding> | "unknown" => {
  const judgement = judgeAgent(condition, seen)
  if (judgement === "unknown") return "unknown"
  return judgement.map(({ part = "", reason, value = null }) => findingOf(seen, { part, reason, value }))
}

export const findingOf = (
  { agent, place }: Pick<SeenAgent, "agent" | "place">,
  { part = "", reason, value }: { readonly part?: string; readonly reason: string; readonly value: number | null }
): Finding => ({
  subject: { kind: "agent", id: agent.id, name: agent.name, part },
  place,
  agentId: agent.id,
  labels: agent.labels,
  reason,
  value
})
