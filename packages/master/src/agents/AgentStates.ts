/** What state an agent is in (CF-002), derived from what is stored and what its session knows. Nothing is remembered. */
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { AgentState, StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { DeploymentError, DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"

export interface AgentPresence {
  readonly connected: boolean
  readonly health: HealthReport | null
}

export interface DerivedState {
  readonly state: AgentState
  /** One sentence; `null` when there is nothing to say. */
  readonly reason: string | null
}

type LastDeployment = Pick<DeploymentOutcome, "error" | "generation" | "quarantined" | "status">

/**
 * Maintenance is a person's word and wins: nothing is deployed, or nginx was stopped. Pending until the agent enrolled.
 * Degraded when it is connected and a check failed, or the deployment of what it should serve, or a part of that was left out: the
 * worst is the reason. A failed deployment of something that is no longer wanted is history.
 */
export const agentState = (
  agent: Pick<StoredAgent, "enrolled_at" | "maintenance" | "maintenance_reason" | "nginx_stopped">,
  presence: AgentPresence | undefined,
  lastDeployment: LastDeployment | undefined,
  desired: Generation | undefined
): DerivedState => {
  if (agent.maintenance) {
    return { state: "Maintenance", reason: agent.maintenance_reason ?? "put in maintenance: nothing is deployed" }
  }
  if (agent.enrolled_at === null) return { state: "Pending", reason: "has not enrolled yet" }
  if (presence?.connected !== true) return { state: "Offline", reason: "is not connected" }
  const stopped = stoppedBy(agent, presence.health)
  if (stopped !== null) return { state: "Maintenance", reason: stopped }
  const trouble = worst(presence.health, lastDeployment, desired)
  return trouble === null ? { state: "Online", reason: null } : { state: "Degraded", reason: trouble }
}

/** By the agent's word: somebody on the machine may have started nginx since, and then it died. Who asked for the stop, the state knows. */
const stoppedBy = (
  { nginx_stopped }: Pick<StoredAgent, "nginx_stopped">,
  health: HealthReport | null
): string | null => {
  if (health === null || health.nginx_status.is_running) return null
  const word = health.alerts.find(({ code }) => code === "nginx_stopped")
  if (word === undefined) return null
  return nginx_stopped === undefined ? word.message : `nginx was stopped by ${nginx_stopped.by}`
}

const worst = (
  health: HealthReport | null,
  deployment: LastDeployment | undefined,
  desired: Generation | undefined
): string | null =>
  (health?.nginx_status.is_running === false ? "nginx is not running" : null) ??
  alertOf(health, "critical") ??
  deploymentTrouble(deployment, desired) ??
  leftOut(deployment) ??
  alertOf(health, "warning")

/** The first, because an agent sends the worst first. */
const alertOf = (health: HealthReport | null, severity: "critical" | "warning"): string | null =>
  health?.alerts.find((alert) => alert.severity === severity)?.message ?? null

const deploymentTrouble = (deployment: LastDeployment | undefined, desired: Generation | undefined): string | null => {
  if (deployment === undefined || deployment.status === "settled") return null
  // After a failed way back, what nginx serves is not proved, whatever it should be.
  if (deployment.generation !== desired && deployment.status !== "rollback_failed") return null
  const what = {
    failed: "the last deployment was refused and nothing changed",
    rolled_back: "the last deployment failed and was rolled back",
    rollback_failed: "the last deployment failed, and so did its rollback",
    interrupted: "the last deployment was interrupted and undone"
  }[deployment.status]
  const { error } = deployment
  return error === null ? what : `${what}: ${error.step}: ${error.message.slice(0, 400)}`
}

/** Resources that one sentence names. */
const namedMax = 3

const nameOf = ({ file, resource }: DeploymentError): string =>
  resource === null ? (file ?? "a file") : `${resource.kind.replaceAll("_", " ")} ${resource.name}`

/** The rest of the generation serves, so it settled. */
const leftOut = (deployment: LastDeployment | undefined): string | null => {
  const quarantined = deployment?.status === "settled" ? (deployment.quarantined ?? []) : []
  const [first] = quarantined
  if (first === undefined) return null
  const more = quarantined.length - namedMax
  const names = quarantined.slice(0, namedMax).map(nameOf).join(", ") + (more > 0 ? ` and ${more} more` : "")
  return `left out, because nginx refuses it: ${names}: ${first.message.slice(0, 400)}`
}
