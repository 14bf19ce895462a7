/** What an operator should know of an agent now, the worst first. Pure. */
import type { Alert, NginxStatus, SystemMetrics } from "@nxmesh/protocol/model/Health"
import type { DeploymentError, DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { SiteHealth } from "../probe/SiteCheck.ts"
import type { OpenFilesTotal } from "./OpenFiles.ts"

export interface Findings {
  readonly nginx: NginxStatus
  readonly system: SystemMetrics
  /** What the proof socket's answer names, and what it should. `null`: nobody answered. */
  readonly answeredBy: string | null
  readonly expected: string
  /** A person stopped nginx, and wants it to stay so. */
  readonly isStopped: boolean
  readonly lastOutcome: DeploymentOutcome | null
  readonly openFiles: OpenFilesTotal | null
  readonly site: SiteHealth | null
  /** What other parts of the agent raised. */
  readonly raised: ReadonlyArray<Alert>
}

/** Share of a resource in use from which an operator hears of it. */
const fullRatio = 0.95
/** Descriptors run out in an instant. */
const filesRatio = 0.9

const isFull = (used: number, total: number) => total > 0 && used / total >= fullRatio

const of = (severity: Alert["severity"], code: string, message: string): Alert => ({
  severity,
  code,
  message: message.slice(0, 1_024)
})

/** What clients meet comes first, then what is not as it should be, then what will be a trouble. */
const ranks = [
  "nginx_stopped",
  "nginx_down",
  "rollback_failed",
  "site_failing",
  "backends_all_down",
  "proof_silent",
  "config_mismatch",
  "quarantined",
  "drift",
  "names_unresolved",
  "backends_down",
  "refresh_failed",
  "open_files_full",
  "memory_full",
  "disk_full"
]
const rankOf = (code: string): number => {
  const rank = ranks.indexOf(code)
  return rank < 0 ? ranks.indexOf("open_files_full") : rank
}

/** The worst first. */
export const sorted = (alerts: ReadonlyArray<Alert>): ReadonlyArray<Alert> =>
  alerts.toSorted(
    (one, other) =>
      Number(one.severity !== "critical") - Number(other.severity !== "critical") ||
      rankOf(one.code) - rankOf(other.code)
  )

const ofNginx = ({ answeredBy, expected, isStopped, nginx }: Findings): ReadonlyArray<Alert> => {
  if (!nginx.is_running) {
    return isStopped
      ? [of("warning", "nginx_stopped", "nginx was stopped by request, and stays so until it is started")]
      : [of("critical", "nginx_down", "nginx is not running")]
  }
  if (answeredBy === null) {
    return [of("warning", "proof_silent", "nginx runs and does not answer on the agent's proof socket")]
  }
  return answeredBy === expected
    ? []
    : [
        of(
          "warning",
          "config_mismatch",
          `nginx serves deployment ${answeredBy}, and ${expected} was the last to settle`
        )
      ]
}

const named = ({ message, resource }: DeploymentError): string =>
  resource === null ? message : `${resource.kind.replaceAll("_", " ")} ${resource.name}: ${message}`

/** Other failures are the master's to judge: it knows whether what failed is still wanted. */
const ofDeployment = (outcome: DeploymentOutcome | null): ReadonlyArray<Alert> => {
  if (outcome?.status === "rollback_failed") {
    const what = outcome.error?.message ?? ""
    return [of("critical", "rollback_failed", `the last deployment failed, and so did the way back: ${what}`)]
  }
  const [first, ...others] = outcome?.status === "settled" ? (outcome.quarantined ?? []) : []
  if (first === undefined) return []
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`
  return [of("warning", "quarantined", `left out, because nginx refuses it${more}: ${named(first)}`)]
}

const ofSite = (site: SiteHealth | null): ReadonlyArray<Alert> =>
  site === null || site.healthy ? [] : [of("critical", "site_failing", `${site.url} fails its check: ${site.reason}`)]

const ofResources = ({ openFiles, system }: Findings): ReadonlyArray<Alert> => [
  ...(openFiles !== null && openFiles.fullest >= filesRatio
    ? [
        of(
          "warning",
          "open_files_full",
          `a process of nginx has ${Math.round(100 * openFiles.fullest)} % of its file descriptors in use: raise worker_rlimit_nofile`
        )
      ]
    : []),
  ...(isFull(system.memory_used_mb, system.memory_total_mb)
    ? [of("warning", "memory_full", `${system.memory_used_mb} of ${system.memory_total_mb} MB in use`)]
    : []),
  ...(isFull(system.disk_used_gb, system.disk_total_gb)
    ? [of("warning", "disk_full", `${system.disk_used_gb} of ${system.disk_total_gb} GB in use`)]
    : [])
]

/** While nginx is stopped on purpose, what follows from that is no news. */
export const alertsOf = (findings: Findings): ReadonlyArray<Alert> =>
  sorted([
    ...ofNginx(findings),
    ...ofDeployment(findings.lastOutcome),
    ...(findings.isStopped ? [] : ofSite(findings.site)),
    ...findings.raised,
    ...ofResources(findings)
  ]).slice(0, 64)
