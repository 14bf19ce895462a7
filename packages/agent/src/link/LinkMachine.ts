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
  | ({ readonly _tag: "Started"; readonly urls: ReadonlyArray<string> } & Instant)
  /** The wait is over. */
  | ({ readonly _tag: "Woken" } & Instant)
  /** Identity proved, `Register` answered. */
  | ({ readonly _tag: "Registered"; readonly announced: ReadonlyArray<string> } & Instant)
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
  detail: ""
}

const open = (state: LinkState, { nowMillis }: Instant): LinkStep => {
  const endpoint = Endpoints.choose(state.endpoints, nowMillis)
  if (endpoint === null) {
    return to({ ...state, phase: "ERROR", url: null, detail: "no master is configured: set NXMESH_MASTER_URL" })
  }
  return to({ ...state, phase: "CONNECT", url: endpoint.url }, { _tag: "Open", url: endpoint.url })
}

/**
 * While masters are left that were not tried in this round, the next follows at once, spread over a second so that a
 * fleet which lost one master does not fall on another in the same instant; after each round the wait doubles.
 */
const waitMillis = (failures: number, masters: number, random: number): number =>
  failures % masters === 0
    ? backoffMillis(linkBackoff, Math.floor(failures / masters) - 1, random)
    : Math.round(Limits.failoverSpreadMillis * random)

const lost = (state: LinkState, event: Extract<LinkEvent, { _tag: "Lost" }>): LinkStep => {
  if (state.url === null) return unchanged(state)
  const wasUp = state.phase === "STREAM" || state.phase === "READY"
  const endpoints = Endpoints.failed(state.endpoints, state.url, event.permanent ? event.detail : null, event.nowMillis)
  const failures = state.phase === "READY" ? 1 : state.failures + 1
  const next = { ...state, endpoints, failures, url: null, detail: event.detail }
  if (Endpoints.allRefused(endpoints)) {
    return to({ ...next, phase: "ERROR" }, { _tag: "Wait", millis: Limits.refusedRetryMillis })
  }
  return to(
    { ...next, phase: wasUp ? "RECONNECT" : "RETRY" },
    { _tag: "Wait", millis: waitMillis(failures, endpoints.list.length, event.random) }
  )
}

const step = (state: LinkState, event: LinkEvent): LinkStep => {
  switch (event._tag) {
    case "Started":
      return state.phase === "INIT"
        ? open({ ...state, endpoints: Endpoints.makeEndpoints(event.urls) }, event)
        : unchanged(state)
    case "Woken":
      return state.phase === "RETRY" || state.phase === "RECONNECT" || state.phase === "ERROR"
        ? open(state, event)
        : unchanged(state)
    case "Registered":
      return state.phase === "CONNECT" && state.url !== null
        ? to({
            ...state,
            phase: "STREAM",
            endpoints: Endpoints.announced(Endpoints.connected(state.endpoints, state.url), event.announced)
          })
        : unchanged(state)
    case "Subscribed":
      return state.phase === "STREAM" ? to({ ...state, phase: "READY", failures: 0, detail: "" }) : unchanged(state)
    case "Lost":
      return lost(state, event)
    case "Dismissed":
      return state.url !== null && (state.phase === "STREAM" || state.phase === "READY")
        ? to(
            {
              ...state,
              phase: "RECONNECT",
              endpoints: Endpoints.passOver(state.endpoints, state.url),
              failures: 1,
              url: null,
              detail: event.detail
            },
            { _tag: "Wait", millis: Math.round(Limits.failoverSpreadMillis * event.random) }
          )
        : unchanged(state)
  }
}

export const linkMachine: Machine<LinkState, LinkEvent, LinkOutput> = { initial: initialState, step }
