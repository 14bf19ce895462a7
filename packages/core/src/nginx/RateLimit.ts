/** Request rates (ngx_http_limit_req_module). The rate belongs to the zone, the burst to its use. */
import { createHash } from "node:crypto"
import type { RateLimitConfig, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { directive } from "./Argument.ts"
import { Words } from "./TemplateValue.ts"

/** What the api template limits to when its host says nothing: generous to a client, deadly to a loop. */
export const apiRateLimitDefault: RateLimitConfig = {
  requests: 50,
  per: "second",
  burst: 100,
  nodelay: true,
  key: "remote_addr",
  zone_size_kib: 10_240,
  status_code: 429
}

type LimitedHost = Pick<VirtualHost, "id" | "template" | "rate_limiting">

export const effectiveRateLimit = (host: LimitedHost): RateLimitConfig | null =>
  host.rate_limiting ?? (host.template === "api" ? apiRateLimitDefault : null)

const keyVariables = { remote_addr: "$binary_remote_addr", server_name: "$server_name", uri: "$uri" } as const

/** nginx refuses to reload when a zone of one name changes its key, so the name follows id, key and size. */
export const zoneName = (hostId: string, config: RateLimitConfig): string => {
  const identity = `${hostId} ${config.key} ${config.zone_size_kib}`
  return `nxm_${createHash("sha256").update(identity).digest("hex").slice(0, 16)}`
}

export const zoneDirective = (hostId: string, config: RateLimitConfig): string =>
  directive(
    0,
    "limit_req_zone",
    keyVariables[config.key],
    `zone=${zoneName(hostId, config)}:${config.zone_size_kib}k`,
    `rate=${config.requests}r/${config.per === "second" ? "s" : "m"}`
  )

/** The arguments of `limit_req`. nginx knows no burst of 0: then the parameter is left out. */
export const limitArguments = (hostId: string, config: RateLimitConfig): Words =>
  new Words([
    `zone=${zoneName(hostId, config)}`,
    ...(config.burst > 0 ? [`burst=${config.burst}`, ...(config.nodelay ? ["nodelay"] : [])] : [])
  ])
