/** The masters that an agent may connect to, and which is next. Pure. */
import { afterFailure, allows, type Breaker, closedBreaker, endpointBreaker } from "@nxmesh/core/policy/Breaker"

export interface Endpoint {
  /** `wss://host:port/agents`. */
  readonly url: string
  readonly breaker: Breaker
  /** What it refused for good when last asked; `null` otherwise. */
  readonly refusal: string | null
}

export interface Endpoints {
  readonly list: ReadonlyArray<Endpoint>
  /** Index of the one to try next. */
  readonly next: number
}

export const makeEndpoints = (urls: ReadonlyArray<string>): Endpoints => ({
  list: [...new Set(urls)].map((url) => ({ url, breaker: closedBreaker, refusal: null })),
  next: 0
})

/**
 * The endpoint to try now: the next one whose breaker allows it, or, when none does, the one whose breaker allows
 * it first. `null` only when there are none.
 */
export const choose = (endpoints: Endpoints, nowMillis: number): Endpoint | null => {
  const { list, next } = endpoints
  const ordered = [...list.slice(next), ...list.slice(0, next)]
  const ready = ordered.find(({ breaker }) => allows(breaker, nowMillis))
  if (ready !== undefined) return ready
  return ordered.reduce<Endpoint | null>(
    (best, endpoint) =>
      best === null || (endpoint.breaker.openUntilMillis ?? 0) < (best.breaker.openUntilMillis ?? 0) ? endpoint : best,
    null
  )
}

const replace = (endpoints: Endpoints, url: string, change: (endpoint: Endpoint) => Endpoint): Endpoints => ({
  ...endpoints,
  list: endpoints.list.map((endpoint) => (endpoint.url === url ? change(endpoint) : endpoint))
})

/** After the endpoint failed or refused, the one behind it is next. */
export const failed = (endpoints: Endpoints, url: string, refusal: string | null, nowMillis: number): Endpoints => {
  const index = endpoints.list.findIndex((endpoint) => endpoint.url === url)
  const marked = replace(endpoints, url, (endpoint) => ({
    ...endpoint,
    breaker: afterFailure(endpointBreaker, endpoint.breaker, nowMillis),
    refusal
  }))
  return { ...marked, next: (index + 1) % Math.max(1, endpoints.list.length) }
}

/** It works: its failures are forgotten. */
export const connected = (endpoints: Endpoints, url: string): Endpoints =>
  replace(endpoints, url, (endpoint) => ({ ...endpoint, breaker: closedBreaker, refusal: null }))

/** The one behind `url` is next: its master goes away in good order. */
export const passOver = (endpoints: Endpoints, url: string): Endpoints => ({
  ...endpoints,
  next: (endpoints.list.findIndex((endpoint) => endpoint.url === url) + 1) % Math.max(1, endpoints.list.length)
})

/** Masters that the cluster announced and that are not known yet join at the end; configured ones never leave. */
export const announced = (endpoints: Endpoints, urls: ReadonlyArray<string>): Endpoints => ({
  ...endpoints,
  list: [
    ...endpoints.list,
    ...makeEndpoints(urls).list.filter(({ url }) => endpoints.list.every((known) => known.url !== url))
  ]
})

/** True when every master refused for good: only a person can mend that. */
export const allRefused = ({ list }: Endpoints): boolean => list.every(({ refusal }) => refusal !== null)
