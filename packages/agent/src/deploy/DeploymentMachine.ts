/**
 * The states of one deployment, as pure data: what happened, where that leads, what is written to the journal first
 * and what is done next. The interpreter (`Deployer`) journals, runs the action and feeds its result back.
 *
 * Idle → Rendering → Staging → Testing → Swapping → Reloading → Proving → Settling → Idle. A tree that cannot be rendered
 * or does not pass its test comes to Isolating, from where it is staged again without what is refused, as often as the
 * isolation finds something to leave out. A failure before the swap discards the staged directory, because nothing live has
 * changed; a failure after it goes back through RollingBack, with a reload and a proof of its own.
 */
import type { DeploymentError, DeploymentStatus } from "@nxmesh/protocol/model/Deployment"
import type { Attempt } from "./Attempt.ts"

/** What a rollback is doing. The link goes back first, so that even an nginx that starts by itself serves the old tree. */
export type RollbackPhase = "swap" | "reload" | "prove"

export type State =
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Rendering"; readonly attempt: Attempt }
  | { readonly _tag: "Staging"; readonly attempt: Attempt }
  | { readonly _tag: "Testing"; readonly attempt: Attempt }
  | { readonly _tag: "Isolating"; readonly attempt: Attempt }
  | { readonly _tag: "Swapping"; readonly attempt: Attempt }
  | { readonly _tag: "Reloading"; readonly attempt: Attempt }
  | { readonly _tag: "Proving"; readonly attempt: Attempt }
  | { readonly _tag: "Settling"; readonly attempt: Attempt }
  | {
      readonly _tag: "RollingBack"
      readonly attempt: Attempt
      readonly phase: RollbackPhase
      readonly error: DeploymentError
    }

export type Event =
  | { readonly _tag: "Begin"; readonly attempt: Attempt }
  /** The action of the current state succeeded. */
  | { readonly _tag: "Done" }
  | { readonly _tag: "Failed"; readonly error: DeploymentError }

/** What the interpreter does next; its result comes back as `Done` or `Failed`. */
export type Action =
  | "render"
  | "stage"
  | "test"
  | "isolate"
  | "swap"
  | "reload"
  | "prove"
  | "settle"
  | "rollback:swap"
  | "rollback:reload"
  | "rollback:prove"

export interface Ending {
  readonly status: Exclude<DeploymentStatus, "interrupted">
  readonly error: DeploymentError | null
  /** The new directory is of no use and goes. */
  readonly discard: boolean
}

/** The next state, and either an action to run in it or, back in Idle, how the deployment ended. */
export interface Transition {
  readonly state: State
  readonly next: { readonly action: Action } | { readonly ending: Ending }
}

export const idle: State = { _tag: "Idle" }

const run = (state: State, action: Action): Transition => ({ state, next: { action } })
const end = (status: Ending["status"], error: DeploymentError | null, discard: boolean): Transition => ({
  state: idle,
  next: { ending: { status, error, discard } }
})

const begin = (attempt: Attempt): Transition => run({ _tag: "Rendering", attempt }, "render")

const done = (state: Exclude<State, { _tag: "Idle" }>): Transition => {
  const { attempt } = state
  switch (state._tag) {
    case "Rendering":
    case "Isolating":
      return run({ _tag: "Staging", attempt }, "stage")
    case "Staging":
      return run({ _tag: "Testing", attempt }, "test")
    case "Testing":
      return run({ _tag: "Swapping", attempt }, "swap")
    case "Swapping":
      return run({ _tag: "Reloading", attempt }, "reload")
    case "Reloading":
      return run({ _tag: "Proving", attempt }, "prove")
    case "Proving":
      return run({ _tag: "Settling", attempt }, "settle")
    case "Settling":
      return end("settled", null, false)
    case "RollingBack":
      return rolledOn(state)
  }
}

const rolledOn = (state: Extract<State, { _tag: "RollingBack" }>): Transition => {
  switch (state.phase) {
    case "swap":
      return run({ ...state, phase: "reload" }, "rollback:reload")
    case "reload":
      return run({ ...state, phase: "prove" }, "rollback:prove")
    case "prove":
      return end("rolled_back", state.error, true)
  }
}

/** A failed way back says both: what went wrong first, and why the previous generation is not proved to serve. */
const both = (first: DeploymentError, second: DeploymentError): DeploymentError => ({
  ...first,
  message: `${first.message}; the way back failed too: ${second.message}`
})

const failed = (state: Exclude<State, { _tag: "Idle" }>, error: DeploymentError): Transition => {
  const { attempt } = state
  switch (state._tag) {
    case "Rendering":
    case "Testing":
      return run({ _tag: "Isolating", attempt }, "isolate")
    case "Staging":
    case "Isolating":
      return end("failed", error, true)
    case "Swapping":
    case "Reloading":
    case "Proving":
    case "Settling":
      return run({ _tag: "RollingBack", attempt, phase: "swap", error }, "rollback:swap")
    case "RollingBack":
      // The directory stays when the link may still name it.
      return end("rollback_failed", both(state.error, error), state.phase !== "swap")
  }
}

/** The transition for an event, or `null` where the machine has no such edge: the interpreter is wrong then. */
export const transition = (state: State, event: Event): Transition | null => {
  if (event._tag === "Begin") return state._tag === "Idle" ? begin(event.attempt) : null
  if (state._tag === "Idle") return null
  return event._tag === "Done" ? done(state) : failed(state, event.error)
}
