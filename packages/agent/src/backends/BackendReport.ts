/** What an operator hears of servers that fail and of names without an address. Pure. */
import { type Addresses, leftOut } from "@nxmesh/core/nginx/Backends"
import { isAddress, splitBackend } from "@nxmesh/core/nginx/ProxyUrl"
import type { Alert, BackendDown } from "@nxmesh/protocol/model/Health"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import { DateTime } from "effect"
import { Limits } from "../Limits.ts"
import type { Target } from "./ProbePlan.ts"
import type { ServerHealth } from "../probe/ServerHealth.ts"

export interface Probed {
  readonly target: Target
  readonly health: ServerHealth
}

export interface Situation {
  readonly upstreams: ReadonlyArray<Upstream>
  /** Every name of the bundle, those of upstreams among them. */
  readonly names: ReadonlyArray<string>
  readonly addresses: Addresses
  readonly probed: ReadonlyArray<Probed>
  readonly omitted: number
  /** Since when a name has no address, in milliseconds since 1970. */
  readonly unresolvedSince: ReadonlyMap<string, number>
}

const isUnhealthy = ({ health }: Probed): boolean => health.state === "unhealthy"

export const unhealthyKeys = (probed: ReadonlyArray<Probed>): ReadonlySet<string> =>
  new Set(probed.filter(isUnhealthy).map(({ target }) => target.key))

export const unresolvedNames = ({ addresses, names }: Pick<Situation, "addresses" | "names">): ReadonlyArray<string> =>
  names.filter((name) => (addresses.get(name) ?? []).length === 0)

const timestamp = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

/** Unhealthy servers first. */
export const backendsDown = (situation: Situation): ReadonlyArray<BackendDown> => {
  const unhealthy = situation.probed.filter(isUnhealthy).map(({ health, target }): BackendDown => ({
    upstream_id: target.upstreamId,
    address: target.endpoint,
    state: "unhealthy",
    since: timestamp(health.sinceMillis),
    reason: health.reason.slice(0, 256)
  }))
  const nameless = new Set(unresolvedNames(situation))
  const unresolved = situation.upstreams.flatMap((upstream) =>
    upstream.servers
      .filter(({ address, down }) => !down && nameless.has(splitBackend(address).host))
      .map(({ address }): BackendDown => ({
        upstream_id: upstream.id,
        address,
        state: "unresolved",
        since: timestamp(situation.unresolvedSince.get(splitBackend(address).host) ?? 0),
        reason: "its name has never had an address"
      }))
  )
  return [...unhealthy, ...unresolved].slice(0, WireLimits.backendsDownMax)
}

const listed = (items: ReadonlyArray<string>): string => {
  const rest = items.length - Limits.backendsNamedMax
  return items.slice(0, Limits.backendsNamedMax).join(", ") + (rest > 0 ? ` and ${rest} more` : "")
}

const alert = (severity: Alert["severity"], code: string, message: string): Alert => ({
  severity,
  code,
  message: message.slice(0, 1_024)
})

/** Of each kind one, however many servers it tells of. */
export const backendAlerts = (situation: Situation): ReadonlyArray<Alert> => {
  const { addresses, omitted, probed, upstreams } = situation
  const down = unhealthyKeys(probed)
  const out = new Set(upstreams.flatMap((upstream) => [...leftOut(upstream, addresses, down)]))
  const unhealthy = probed.filter(isUnhealthy)
  const left = unhealthy.filter(({ target }) => out.has(target.key))
  const kept = unhealthy.filter(({ target }) => !out.has(target.key))
  const describe = ({ health, target }: Probed) => `${target.endpoint} of ${target.upstreamName} (${health.reason})`
  const nameless = unresolvedNames(situation).filter((name) => !isAddress(name))
  const alerts: Array<Alert> = []
  if (kept.length > 0) {
    const names = [...new Set(kept.map(({ target }) => target.upstreamName))]
    const what = `no server of ${listed(names)} passes its health check, so all are kept in use: ${listed(kept.map(describe))}`
    alerts.push(alert("critical", "backends_all_down", what))
  }
  if (left.length > 0) {
    const what = `${left.length === 1 ? "a server is" : `${left.length} servers are`} left out, because the health check fails`
    alerts.push(alert("warning", "backends_down", `${what}: ${listed(left.map(describe))}`))
  }
  if (nameless.length > 0) {
    const what = `never resolved to an address, so requests there fail: ${listed(nameless)}`
    alerts.push(alert("warning", "names_unresolved", what))
  }
  if (omitted > 0) {
    const what = `${omitted} servers have a health check and are not probed: an agent probes ${Limits.probeTargetsMax}`
    alerts.push(alert("warning", "probes_omitted", what))
  }
  return alerts
}
