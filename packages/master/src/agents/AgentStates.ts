/** What state an agent is in (CF-002), derived from what is stored and what its session knows. Nothing is remembered. */
import type { HealthReport } from "@nxmesh/protocol/link/Report"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { AgentState, StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"

export interface AgentPresence {
  readonly connected: boolean
  readonly health: HealthReport | null
}

export interface DerivedState {
  readonly state: AgentState
  /** One sentence; `null` when there is nothing to say. */
  readonly reason: string | null
}

/**
 * Maintenance is a person's word and wins. Pending until the agent enrolled. Degraded when it is connected and a check
 * failed, or the deployment of what it should serve: the worst comes first. A failed deployment of something that is no
 * longer wanted is history.
 */
export const agentState = (
  agent: Pick<StoredAgent, "enrolled_at" | "maintenance">,
  presence: AgentPresence | undefined,
  lastDeployment: Pick<DeploymentOutcome, "error" | "generation" | "status"> | undefined,
  desired: Generation | undefined
): DerivedState => {
  if (agent.maintenance) return { state: "Maintenance", reason: "put in maintenance: nothing is deployed" }
  if (agent.enrolled_at === null) return { state: "Pending", reason: "has not enrolled yet" }
  if (presence?.connected !== true) return { state: "Offline", reason: "is not connected" }
  const trouble = healthTrouble(presence.health) ?? deploymentTrouble(lastDeployment, desired)
  return trouble === null ? { state: "Online", reason: null } : { state: "Degraded", reason: trouble }
}

const healthTrouble = (health: HealthReport | null): string | null => {
  if (health === null) return null
  if (!health.nginx_status.is_running) return "nginx is not running"
  const alert = health.alerts.find(({ severity }) => severity === "critical") ?? health.alerts[0]
  return alert === undefined ? null : alert.message
}

const deploymentTrouble = (
  deployment: Pick<DeploymentOutcome, "error" | "generation" | "status"> | undefined,
  desired: Generation | undefined
): string | null => {
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
