/** The masters that an agent may connect to, in which order, and which is next. Pure. */
import { afterFailure, allows, type Breaker, closedBreaker, endpointBreaker } from "@nxmesh/core/policy/Breaker"
import { preferredOrder } from "@nxmesh/protocol/link/MasterPreference"
import { authorityOf } from "./MasterUrl.ts"

export interface Endpoint {
  /** `wss://host:port/agents`. */
  readonly url: string
  readonly breaker: Breaker
  /** What it refused for good when last asked; `null` otherwise. */
  readonly refusal: string | null
  /** It had its turn in this round. */
  readonly tried: boolean
}

export interface Endpoints {
  /** Of the settings. They never leave. */
  readonly configured: ReadonlyArray<string>
  /** In the order of preference. */
  readonly list: ReadonlyArray<Endpoint>
}

/** What the cluster last said of its masters, and who ranks them; no agent before it is enrolled. */
export interface Announcement {
  readonly agentId: string | null
  readonly urls: ReadonlyArray<string>
}

export const nothingAnnounced: Announcement = { agentId: null, urls: [] }

/**
 * Where the cluster has named several masters, the agent's own ranking of these comes first, so that a fleet spreads over
 * them, and the settings are what it falls back to. Otherwise the operator's order stands.
 */
const inOrder = (configured: ReadonlyArray<string>, { agentId, urls }: Announcement): ReadonlyArray<string> => {
  if (agentId === null || new Set(urls).size < 2) return [...new Set([...configured, ...urls])]
  const byAuthority = new Map(urls.map((url) => [authorityOf(url), url]))
  const ranked = preferredOrder(agentId, [...byAuthority.keys()]).flatMap((key) => byAuthority.get(key) ?? [])
  return [...new Set([...ranked, ...configured])]
}

const untried = (url: string): Endpoint => ({ url, breaker: closedBreaker, refusal: null, tried: false })

export const makeEndpoints = (
  configured: ReadonlyArray<string>,
  announcement: Announcement = nothingAnnounced
): Endpoints => ({ configured, list: inOrder(configured, announcement).map(untried) })

/** The list is the new one; what is known of those that stay is kept. An empty announcement says nothing. */
export const announced = (endpoints: Endpoints, announcement: Announcement): Endpoints => {
  if (announcement.urls.length === 0) return endpoints
  const known = new Map(endpoints.list.map((endpoint) => [endpoint.url, endpoint]))
  const list = inOrder(endpoints.configured, announcement).map((url) => known.get(url) ?? untried(url))
  return { ...endpoints, list }
}

/** The next that had no turn in this round and whose breaker allows it; `null` when the round is over. */
const nextInRound = ({ list }: Endpoints, nowMillis: number): Endpoint | null =>
  list.find(({ breaker, tried }) => !tried && allows(breaker, nowMillis)) ?? null

export const isRoundOver = (endpoints: Endpoints, nowMillis: number): boolean =>
  nextInRound(endpoints, nowMillis) === null

/** Each may be tried again. */
export const newRound = (endpoints: Endpoints): Endpoints => ({
  ...endpoints,
  list: endpoints.list.map((endpoint) => (endpoint.tried ? { ...endpoint, tried: false } : endpoint))
})

/**
 * The endpoint to try now: the most preferred that is left of this round, else of all, else the one whose breaker allows
 * it first. `null` only when there are none.
 */
export const choose = (endpoints: Endpoints, nowMillis: number): Endpoint | null => {
  const { list } = endpoints
  return (
    nextInRound(endpoints, nowMillis) ??
    list.find(({ breaker }) => allows(breaker, nowMillis)) ??
    list.reduce<Endpoint | null>(
      (best, endpoint) =>
        best === null || (endpoint.breaker.openUntilMillis ?? 0) < (best.breaker.openUntilMillis ?? 0)
          ? endpoint
          : best,
      null
    )
  )
}

/** Whether an agent that has just enrolled here should register with another one: a fleet spreads from the first minute on. */
export const prefersAnother = (
  endpoints: Endpoints,
  announcement: Announcement,
  url: string,
  nowMillis: number
): boolean => choose(announced(endpoints, announcement), nowMillis)?.url !== url

const replace = (endpoints: Endpoints, url: string, change: (endpoint: Endpoint) => Endpoint): Endpoints => ({
  ...endpoints,
  list: endpoints.list.map((endpoint) => (endpoint.url === url ? change(endpoint) : endpoint))
})

/** It failed or refused, and had its turn. */
export const failed = (endpoints: Endpoints, url: string, refusal: string | null, nowMillis: number): Endpoints =>
  replace(endpoints, url, (endpoint) => ({
    ...endpoint,
    breaker: afterFailure(endpointBreaker, endpoint.breaker, nowMillis),
    refusal,
    tried: true
  }))

/** It answered: its failures are forgotten. */
export const connected = (endpoints: Endpoints, url: string): Endpoints =>
  replace(endpoints, url, (endpoint) => ({ ...endpoint, breaker: closedBreaker, refusal: null }))

/** The others come first: its master goes away in good order. */
export const passOver = (endpoints: Endpoints, url: string): Endpoints =>
  replace(newRound(endpoints), url, (endpoint) => ({ ...endpoint, tried: true }))

/** True when every master refused for good: only a person can mend that. */
export const allRefused = ({ list }: Endpoints): boolean => list.every(({ refusal }) => refusal !== null)
