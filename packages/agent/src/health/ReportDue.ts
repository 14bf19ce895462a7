/** When a health report is due (AF-003): at once, at every interval, and as soon as something that matters changed. Pure. */
import type { HealthReport } from "@nxmesh/protocol/model/Health"

/** What makes a report due before its time. Numbers that move all the time are not in it. */
export const significance = (report: HealthReport): string => {
  const { alerts, backends_down, config_checksum, drift, nginx_status } = report
  return JSON.stringify([
    nginx_status.is_running,
    nginx_status.pid,
    config_checksum,
    alerts.map(({ code }) => code),
    (backends_down ?? []).map(({ address, state, upstream_id }) => [upstream_id, address, state]),
    drift === undefined || drift === null ? null : [drift.found_at, drift.response]
  ])
}

export interface Sent {
  readonly what: string
  readonly atMillis: number
}

/** A clock that was set back makes a report due. */
export const isDue = (before: Sent | null, what: string, intervalMillis: number, nowMillis: number): boolean => {
  if (before === null || before.what !== what) return true
  const passed = nowMillis - before.atMillis
  return passed < 0 || passed >= intervalMillis
}
