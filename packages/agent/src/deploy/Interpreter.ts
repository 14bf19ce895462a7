/** Drives the deployment machine: journal first, then the effect, then the next transition. */
import { Effect, type Scope } from "effect"
import * as DeploymentMachine from "./DeploymentMachine.ts"
import * as DeploymentSteps from "./DeploymentSteps.ts"
import type { Journal } from "./Journal.ts"
import type { JournalStep } from "./JournalRecord.ts"
import { stepFailed, type StepFailed, type Work } from "./Work.ts"

type Action = DeploymentMachine.Action

const isRollback = (action: Action): boolean => action.startsWith("rollback:")

/** `Began` says that the first step runs; isolating is recovered from as the step before it; the whole way back is one entry. */
const journalStep = (action: Action): JournalStep | null => {
  switch (action) {
    case "render":
    case "isolate":
    case "rollback:reload":
    case "rollback:prove":
      return null
    case "rollback:swap":
      return "rollback"
    default:
      return action
  }
}

/**
 * A step that cannot be journalled does not happen, except on the way back: the journal then still holds a step whose
 * recovery is the same way back.
 */
const journalled = Effect.fnUntraced(function* (journal: Journal, action: Action): Effect.fn.Return<void, StepFailed> {
  const step = journalStep(action)
  if (step === null) return
  const written = yield* Effect.result(journal.record({ _tag: "Stepped", step }))
  if (written._tag === "Success") return
  if (isRollback(action)) return yield* Effect.logError("cannot journal the way back", written.failure)
  return yield* stepFailed(step === "rollback" ? "settle" : step, written.failure.message)
})

/** Runs a deployment to its end. Failing is an ending, not an error. */
export const run = Effect.fnUntraced(function* (
  around: DeploymentSteps.Surroundings,
  journal: Journal,
  work: Work
): Effect.fn.Return<DeploymentMachine.Ending, never, Scope.Scope> {
  let state = DeploymentMachine.idle
  let event: DeploymentMachine.Event = { _tag: "Begin", attempt: work.attempt }
  while (true) {
    const transition: DeploymentMachine.Transition | null = DeploymentMachine.transition(state, event)
    if (transition === null) {
      return yield* Effect.die(new Error(`the deployment machine has no edge for ${event._tag} in ${state._tag}`))
    }
    state = transition.state
    if ("ending" in transition.next) return transition.next.ending
    const { action } = transition.next
    event = yield* journalled(journal, action).pipe(
      Effect.andThen(DeploymentSteps.perform(around, work, action)),
      Effect.match({
        onSuccess: (): DeploymentMachine.Event => ({ _tag: "Done" }),
        onFailure: ({ error }): DeploymentMachine.Event => ({ _tag: "Failed", error })
      })
    )
  }
}, Effect.scoped)
