/**
 * The life of the connection to the cluster (architecture.md, Connection Management), as a pure machine.
 *
 *   INIT ─▶ CONNECT ─▶ STREAM ─▶ READY
 *              │          │        │
 *              ▼          ▼        ▼
 *            RETRY    RECONNECT ◀──┘       ERROR: every master refused for good
 *
 * CONNECT covers TLS, enrolment and registration; STREAM waits until the subscription is known to stand. RETRY waits
 * after an attempt that never registered, RECONNECT after a connection that had. In ERROR the agent still asks from time
 * to time, so that what a person mends on the master is enough.
 */
import { type Machine, type Step, to, unchanged } from "@nxmesh/core/machine/Machine"
import { backoffMillis, linkBackoff } from "@nxmesh/core/policy/Backoff"
import { Limits } from "../Limits.ts"
import * as Endpoints from "./Endpoints.ts"

export type LinkPhase = "INIT" | "CONNECT" | "STREAM" | "READY" | "RETRY" | "RECONNECT" | "ERROR"

export interface LinkState {
  readonly phase: LinkPhase
  readonly endpoints: Endpoints.Endpoints
  /** The endpoint in use or in trial; `null` while waiting. */
  readonly url: string | null
  /** Attempts in a row that did not reach READY. */
  readonly failures: number
  /** How often in a row every master had its turn in vain. */
  readonly rounds: number
  /** Why it is where it is, for an operator; empty when all is well. */
  readonly detail: string
}

/** What each event brings along: the machine reads no clock and draws no random numbers. */
interface Instant {
  readonly nowMillis: number
  /** In [0, 1). */
  readonly random: number
}

export type LinkEvent =
  | ({
      readonly _tag: "Started"
      readonly configured: ReadonlyArray<string>
      readonly announced: Endpoints.Announcement
    } & Instant)
  /** The wait is over. */
  | ({ readonly _tag: "Woken" } & Instant)
  /** A first identity, from a master that the agent does not prefer. */
  | ({ readonly _tag: "Enrolled"; readonly announced: Endpoints.Announcement } & Instant)
  /** Identity proved, `Register` answered. */
  | ({ readonly _tag: "Registered"; readonly announced: Endpoints.Announcement } & Instant)
  /** The cluster has other masters than it said when the agent registered. */
  | ({ readonly _tag: "Announced"; readonly announced: Endpoints.Announcement } & Instant)
  /** The subscription stands: a call made after it was answered. */
  | ({ readonly _tag: "Subscribed" } & Instant)
  /** The connection or the attempt ended; `permanent` when the master, or the pin, refused for good. */
  | ({ readonly _tag: "Lost"; readonly permanent: boolean; readonly detail: string } & Instant)
  /** The master goes away in good order. */
  | ({ readonly _tag: "Dismissed"; readonly detail: string } & Instant)

export type LinkOutput =
  | { readonly _tag: "Open"; readonly url: string }
  | { readonly _tag: "Wait"; readonly millis: number }

type LinkStep = Step<LinkState, LinkOutput>

export const initialState: LinkState = {
  phase: "INIT",
  endpoints: Endpoints.makeEndpoints([]),
  url: null,
  failures: 0,
  rounds: 0,
  detail: ""
}

const open = (state: LinkState, { nowMillis }: Instant): LinkStep => {
  const endpoint = Endpoints.choose(state.endpoints, nowMillis)
  if (endpoint === null) {
    return to({ ...state, phase: "ERROR", url: null, detail: "no master is configured: set NXMESH_MASTER_URL" })
  }
  return to({ ...state, phase: "CONNECT", url: endpoint.url }, { _tag: "Open", url: endpoint.url })
}

/** Spread, so that a fleet which lost one master does not fall on another in the same instant. */
const failover = (random: number): LinkOutput => ({
  _tag: "Wait",
  millis: Math.round(Limits.failoverSpreadMillis * random)
})

/** While masters are left that were not tried in this round, the next follows at once; after each round the wait doubles. */
const lost = (state: LinkState, event: Extract<LinkEvent, { _tag: "Lost" }>): LinkStep => {
  const { detail, nowMillis, permanent, random } = event
  if (state.url === null) return unchanged(state)
  const wasUp = state.phase === "STREAM" || state.phase === "READY"
  const endpoints = Endpoints.failed(state.endpoints, state.url, permanent ? detail : null, nowMillis)
  const next: LinkState = {
    ...state,
    phase: wasUp ? "RECONNECT" : "RETRY",
    endpoints,
    failures: state.failures + 1,
    url: null,
    detail
  }
  if (Endpoints.allRefused(endpoints)) {
    const again = { ...next, phase: "ERROR" as const, endpoints: Endpoints.newRound(endpoints) }
    return to(again, { _tag: "Wait", millis: Limits.refusedRetryMillis })
  }
  if (!Endpoints.isRoundOver(endpoints, nowMillis)) return to(next, failover(random))
  return to(
    { ...next, endpoints: Endpoints.newRound(endpoints), rounds: state.rounds + 1 },
    { _tag: "Wait", millis: backoffMillis(linkBackoff, state.rounds, random) }
  )
}

const dismissed = (state: LinkState, { detail, random }: Extract<LinkEvent, { _tag: "Dismissed" }>): LinkStep =>
  state.url !== null && (state.phase === "STREAM" || state.phase === "READY")
    ? to(
        {
          ...state,
          phase: "RECONNECT",
          endpoints: Endpoints.passOver(state.endpoints, state.url),
          failures: 1,
          url: null,
          detail
        },
        failover(random)
      )
    : unchanged(state)

const step = (state: LinkState, event: LinkEvent): LinkStep => {
  switch (event._tag) {
    case "Started":
      return state.phase === "INIT"
        ? open({ ...state, endpoints: Endpoints.makeEndpoints(event.configured, event.announced) }, event)
        : unchanged(state)
    case "Woken":
      return state.phase === "RETRY" || state.phase === "RECONNECT" || state.phase === "ERROR"
        ? open(state, event)
        : unchanged(state)
    case "Enrolled":
      return state.phase === "CONNECT"
        ? open({ ...state, endpoints: Endpoints.announced(state.endpoints, event.announced) }, event)
        : unchanged(state)
    case "Registered":
      return state.phase === "CONNECT" && state.url !== null
        ? to({
            ...state,
            phase: "STREAM",
            endpoints: Endpoints.announced(Endpoints.connected(state.endpoints, state.url), event.announced)
          })
        : unchanged(state)
    case "Announced":
      return state.phase === "STREAM" || state.phase === "READY"
        ? to({ ...state, endpoints: Endpoints.announced(state.endpoints, event.announced) })
        : unchanged(state)
    case "Subscribed":
      return state.phase === "STREAM"
        ? to({
            ...state,
            phase: "READY",
            endpoints: Endpoints.newRound(state.endpoints),
            failures: 0,
            rounds: 0,
            detail: ""
          })
        : unchanged(state)
    case "Lost":
      return lost(state, event)
    case "Dismissed":
      return dismissed(state, event)
  }
}

export const linkMachine: Machine<LinkState, LinkEvent, LinkOutput> = { initial: initialState, step }
