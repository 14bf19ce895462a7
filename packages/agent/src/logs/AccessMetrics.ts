/**
 * What access logs amount to, as Prometheus metrics: requests by host and class of status, their time by host and location.
 * Labels come from the configuration, never from what a client sent, and the first ones to come are named, up to a bound; the
 * rest counts as `other`.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import type { Request } from "./ShippedLines.ts"

/** Names the first `max` different values, and calls the others `other`. */
export class BoundedLabels {
  readonly #known = new Set<string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Whether this one has a label of its own. */
  has(value: string): boolean {
    if (this.#known.has(value)) return true
    if (this.#known.size >= this.#max) return false
    this.#known.add(value)
    return true
  }
}

const other = "other"
const statusClass = (status: number): string =>
  status >= 100 && status < 600 ? `${Math.trunc(status / 100)}xx` : other

/** Seconds, as Prometheus' own default buckets have them. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const make = Effect.gen(function* () {
  const metrics = yield* Metrics
  const requests = yield* metrics.counter({
    name: "nxmesh_http_requests_total",
    help: "Requests in the access logs, by virtual host and class of status.",
    labelNames: ["host", "status"]
  })
  const bytes = yield* metrics.counter({
    name: "nxmesh_http_response_bytes_total",
    help: "Bytes of answers' bodies in the access logs, by virtual host.",
    labelNames: ["host"]
  })
  const duration = yield* metrics.histogram({
    name: "nxmesh_http_request_duration_seconds",
    help: "Time from a request's first byte to its answer's last, by virtual host and location.",
    labelNames: ["host", "location"],
    buckets
  })
  const unnamed = yield* metrics.counter({
    name: "nxmesh_http_requests_unnamed_total",
    help: "Requests counted as other because the bound on names was reached."
  })
  const hosts = new BoundedLabels(Limits.accessHostsMax)
  const locations = new BoundedLabels(Limits.accessLocationsMax)

  const count = ({ host, location, record: { entry, serverName } }: Request): void => {
    const isNamed = host !== null && hosts.has(serverName)
    const place = location ?? other
    const hasLocation = isNamed && locations.has(`${serverName} ${place}`)
    if (host !== null && (!isNamed || !hasLocation)) unnamed.inc()
    const name = isNamed ? serverName : other
    requests.inc({ host: name, status: statusClass(entry.status) })
    bytes.inc({ host: name }, entry.body_bytes_sent)
    if (entry.response_time_ms !== null) {
      duration.observe({ host: name, location: hasLocation ? place : other }, entry.response_time_ms / 1_000)
    }
  }
  return { count }
})
