/** Which limit a request counts against. Pure. */
import type { RequestClass } from "@nxmesh/protocol/model/NetworkSettings"

/** What takes a processor, a disk or an agent for long. */
const expensive = /\/(?:backup|preview|preflight|export|exports|graphql|verify|access-logs|error-logs)(?:\/|$)/

/** Everything under it shows a password, a token or the answer of an identity provider, but for the end of a session. */
const signIn = "/api/v1/auth/"
const signOut = "/api/v1/auth/logout"

/** Probes of load balancers: they are cheap, and a refusal would take a master out of service. */
const uncounted: ReadonlySet<string> = new Set(["/healthz", "/readyz"])

const reading: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

export interface Asked {
  readonly method: string
  /** Of the route, or the path of a request that has none. */
  readonly template: string
  /** With the query. */
  readonly url: string
}

/** `null` for what is not counted. */
export const requestClass = ({ method, template, url }: Asked): RequestClass | null => {
  if (uncounted.has(template)) return null
  if (template.startsWith(signIn) && template !== signOut) return "login"
  if (expensive.test(template) || /[?&]preflight=/.test(url)) return "expensive"
  return reading.has(method) ? "read" : "write"
}
