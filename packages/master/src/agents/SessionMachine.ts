/**
 * What a master tells one connected agent, as a pure function: `step(state, input, now)` returns the next state and
 * what to do. Level-triggered: it compares what the agent serves with what it should serve, so that a lost message
 * heals at the next report.
 *
 * - At most one deployment is in flight; what changes meanwhile merges into the next.
 * - The first change of a quiet agent goes out at once; only a reload budget makes a later one wait.
 * - A generation that failed is not tried again in a loop (`RetryPolicy`).
 * - While the agent is held (in maintenance, or the cluster frozen) nothing new goes out; what is in flight ends by itself.
 */
import type { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import { type Failure, retryAtMillis } from "./RetryPolicy.ts"

export interface InFlight {
  readonly deploymentId: DeploymentId
  readonly generation: Generation
  readonly sentAtMillis: number
}

export interface SessionState {
  readonly desired: Generation
  /** When `desired` became that: the beginning of convergence. `null` for what it was at connecting. */
  readonly desiredSinceMillis: number | null
  readonly serving: Generation | null
  /** What the last health report said in contradiction to `serving`. Believed when said twice: reports can cross. */
  readonly doubted: Generation | null | undefined
  readonly inFlight: InFlight | null
  readonly failure: Failure | null
  /** When `failure` may be tried again; `null` means not before something changes. */
  readonly retryAtMillis: number | null
  /** Why nothing may be deployed; `null` when it may. */
  readonly held: string | null
  readonly reloadIntervalMillis: number
  readonly reloadedAtMillis: number | null
}

export type SessionInput =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Desired"; readonly generation: Generation }
  | { readonly _tag: "Settings"; readonly held: string | null; readonly reloadIntervalSeconds: number }
  | { readonly _tag: "Outcome"; readonly outcome: DeploymentOutcome }
  | { readonly _tag: "Health"; readonly serving: Generation | null }
  /** An operator asks for the failed generation once more. */
  | { readonly _tag: "Retry" }
  | { readonly _tag: "Wake" }

export type SessionOutput =
  | { readonly _tag: "Deploy"; readonly inFlight: InFlight; readonly base: Generation | null }
  | { readonly _tag: "Hold"; readonly reason: string }
  /** Ask again at this time. A later answer replaces an earlier one. */
  | { readonly _tag: "WakeAt"; readonly atMillis: number }
  /** The agent serves what it should, this long after it should first. */
  | { readonly _tag: "Converged"; readonly millis: number }

/** Where and when a step happens: time and randomness enter here. */
export interface Moment {
  readonly nowMillis: number
  /** Names the deployment that this step may start. */
  readonly deploymentId: DeploymentId
}

export const initialState = (options: {
  readonly desired: Generation
  readonly serving: Generation | null
  readonly failure: Failure | null
  readonly held: string | null
  readonly reloadIntervalSeconds: number
}): SessionState => ({
  desired: options.desired,
  desiredSinceMillis: null,
  serving: options.serving,
  doubted: undefined,
  inFlight: null,
  failure: options.failure,
  retryAtMillis: options.failure === null ? null : retryAtMillis(options.failure),
  held: options.held,
  reloadIntervalMillis: options.reloadIntervalSeconds * 1_000,
  reloadedAtMillis: null
})

type Step = readonly [SessionState, ReadonlyArray<SessionOutput>]

export const step = (state: SessionState, input: SessionInput, moment: Moment): Step => {
  switch (input._tag) {
    case "Start":
      return advance(state, moment, holds(state.held))
    case "Desired": {
      if (input.generation === state.desired) return [state, []]
      return advance({ ...state, desired: input.generation, desiredSinceMillis: moment.nowMillis }, moment)
    }
    case "Settings": {
      const next = {
        ...state,
        held: input.held,
        reloadIntervalMillis: input.reloadIntervalSeconds * 1_000
      }
      return advance(next, moment, input.held === state.held ? [] : holds(input.held))
    }
    case "Outcome":
      return ended(state, input.outcome, moment)
    case "Health":
      return heard(state, input.serving, moment)
    case "Retry":
      return advance({ ...state, retryAtMillis: moment.nowMillis }, moment)
    case "Wake":
      return advance(state, moment)
  }
}

const holds = (reason: string | null): ReadonlyArray<SessionOutput> =>
  reason === null ? [] : [{ _tag: "Hold", reason }]

/** Sends what should be sent now, or says when to ask again. */
const advance = (state: SessionState, moment: Moment, before: ReadonlyArray<SessionOutput> = []): Step => {
  const { nowMillis } = moment
  if (state.inFlight !== null) {
    const lostAt = state.inFlight.sentAtMillis + Duration.toMillis(Limits.agents.deploymentAnswerMax)
    if (nowMillis < lostAt) return [state, [...before, { _tag: "WakeAt", atMillis: lostAt }]]
    return advance({ ...state, inFlight: null }, moment, before)
  }
  if (state.held !== null || state.desired === state.serving) return [state, before]
  const notBefore = earliest(state)
  if (notBefore === null) return [state, before]
  if (nowMillis < notBefore) return [state, [...before, { _tag: "WakeAt", atMillis: notBefore }]]
  const inFlight = { deploymentId: moment.deploymentId, generation: state.desired, sentAtMillis: nowMillis }
  const sent = { ...state, inFlight, retryAtMillis: null }
  const lostAt = nowMillis + Duration.toMillis(Limits.agents.deploymentAnswerMax)
  return [sent, [...before, { _tag: "Deploy", inFlight, base: state.serving }, { _tag: "WakeAt", atMillis: lostAt }]]
}

/** When the desired generation may go out; `null` when it failed and nothing has changed since. */
const earliest = (state: SessionState): number | null => {
  const budget = state.reloadedAtMillis === null ? 0 : state.reloadedAtMillis + state.reloadIntervalMillis
  if (state.failure?.generation !== state.desired) return budget
  return state.retryAtMillis === null ? null : Math.max(budget, state.retryAtMillis)
}

/** Statuses after which nginx was reloaded, with whatever result. */
const reloaded = (status: DeploymentOutcome["status"]): boolean => status !== "failed"

const ended = (state: SessionState, outcome: DeploymentOutcome, moment: Moment): Step => {
  const ours = state.inFlight?.deploymentId === outcome.id
  // An agent sends again what it had not heard acknowledged; the deployment in flight will say what is served now.
  if (!ours && state.inFlight !== null) return [state, []]
  const settled = outcome.status === "settled"
  const next: SessionState = {
    ...state,
    inFlight: null,
    serving: outcome.serving_generation,
    doubted: undefined,
    failure: settled ? null : failed(state, outcome.generation, moment.nowMillis),
    reloadedAtMillis: ours && reloaded(outcome.status) ? moment.nowMillis : state.reloadedAtMillis
  }
  const since = next.desiredSinceMillis
  const converged = settled && next.serving === next.desired && since !== null
  return advance(
    converged ? { ...next, desiredSinceMillis: null } : next,
    moment,
    converged ? [{ _tag: "Converged", millis: moment.nowMillis - since }] : []
  )
}

const failed = (state: SessionState, generation: Generation, nowMillis: number): Failure => ({
  generation,
  attempts: state.failure?.generation === generation ? state.failure.attempts + 1 : 1,
  failedAtMillis: nowMillis
})

/**
 * What to remember for the agent's next connection. A deployment whose end was not heard of counts as failed, so that
 * an agent that dies of one is not given it again at once; if it did settle, the agent will say so.
 */
export const failureAtEnd = (state: SessionState, nowMillis: number): Failure | null =>
  state.inFlight === null ? state.failure : failed(state, state.inFlight.generation, nowMillis)

const heard = (state: SessionState, serving: Generation | null, moment: Moment): Step => {
  if (state.inFlight !== null || serving === state.serving) return [{ ...state, doubted: undefined }, []]
  if (state.doubted !== serving) return [{ ...state, doubted: serving }, []]
  return advance({ ...state, serving, doubted: undefined }, moment)
}
