/** What an operator should know of an agent now. Pure. */
import type { Alert, NginxStatus, SystemMetrics } from "@nxmesh/protocol/link/Report"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"

export interface Findings {
  readonly nginx: NginxStatus
  readonly system: SystemMetrics
  /** What the proof socket's answer names, and what it should. `null`: nobody answered. */
  readonly answeredBy: string | null
  readonly expected: string
  readonly lastOutcome: DeploymentOutcome | null
}

/** Share of a resource in use from which an operator hears of it. */
const fullRatio = 0.95

const isFull = (used: number, total: number) => total > 0 && used / total >= fullRatio

const of = (severity: Alert["severity"], code: string, message: string): Alert => ({
  severity,
  code,
  message: message.slice(0, 1_024)
})

export const alertsOf = ({ answeredBy, expected, lastOutcome, nginx, system }: Findings): ReadonlyArray<Alert> => {
  const alerts: Array<Alert> = []
  if (!nginx.is_running) alerts.push(of("critical", "nginx_down", "nginx is not running"))
  else if (answeredBy === null) {
    alerts.push(of("warning", "proof_silent", "nginx runs and does not answer on the agent's proof socket"))
  } else if (answeredBy !== expected) {
    alerts.push(
      of("warning", "config_mismatch", `nginx serves deployment ${answeredBy}, and ${expected} was the last to settle`)
    )
  }
  // Other failures are the master's to judge: it knows whether what failed is still wanted.
  if (lastOutcome?.status === "rollback_failed") {
    const what = lastOutcome.error?.message ?? ""
    alerts.push(of("critical", "rollback_failed", `the last deployment failed, and so did the way back: ${what}`))
  }
  if (isFull(system.memory_used_mb, system.memory_total_mb)) {
    alerts.push(of("warning", "memory_full", `${system.memory_used_mb} of ${system.memory_total_mb} MB in use`))
  }
  if (isFull(system.disk_used_gb, system.disk_total_gb)) {
    alerts.push(of("warning", "disk_full", `${system.disk_used_gb} of ${system.disk_total_gb} GB in use`))
  }
  return alerts
}
