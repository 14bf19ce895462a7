/** One deployment from its beginning in the journal to its outcome. */
import { DateTime, Effect } from "effect"
import type { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { DeploymentError, DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import type { Served } from "./Attempt.ts"
import type { Ending } from "./DeploymentMachine.ts"
import { boundedWarnings, type Surroundings } from "./DeploymentSteps.ts"
import { directoryName } from "./DirectoryName.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"
import * as Interpreter from "./Interpreter.ts"
import type { Journal } from "./Journal.ts"
import type { Quarantine } from "./Quarantine.ts"
import { type Isolation, makeWork, type RenderInto, type Work } from "./Work.ts"

export interface Identified {
  readonly deploymentId: DeploymentId
  readonly generation: Generation
  readonly startedAt: string
}

export interface Begun extends Identified {
  readonly render: RenderInto
  /** Absent for a tree that is served again as it was. */
  readonly isolation?: Isolation
}

export interface Ended {
  readonly outcome: DeploymentOutcome
  readonly served: Served
  /** nginx was signalled: the reload budget counts it. */
  readonly reloaded: boolean
  /** What was left out. */
  readonly quarantine: Quarantine
}

const outcomeOf = Effect.fnUntraced(function* (
  { deploymentId, generation, startedAt }: Identified,
  rest: Pick<DeploymentOutcome, "status" | "serving_generation" | "error"> & Partial<DeploymentOutcome>
): Effect.fn.Return<DeploymentOutcome> {
  return {
    id: deploymentId,
    generation,
    started_at: startedAt,
    finished_at: DateTime.formatIso(yield* DateTime.now),
    serving_after_millis: null,
    settled_after_millis: null,
    warnings: [],
    ...rest
  }
})

/** Refused before it began: nothing was touched. */
export const refused = (begun: Identified, served: Served, message: string): Effect.Effect<DeploymentOutcome> =>
  outcomeOf(begun, {
    status: "failed",
    serving_generation: served.generation,
    error: {
      step: "render",
      message: message.slice(0, WireLimits.deploymentErrorCharactersMax),
      file: null,
      line: null,
      resource: null
    }
  })

/** This generation serves already, and nginx has just said so: settled, without a reload and so without its times. */
export const unchanged = (
  begun: Identified,
  quarantines: Surroundings["quarantines"]
): Effect.Effect<DeploymentOutcome> =>
  outcomeOf(begun, {
    status: "settled",
    serving_generation: begun.generation,
    error: null,
    ...leftOut(quarantines.of(begun.generation)?.reasons ?? [])
  })

/** The part of an outcome that names what is left out. */
export const leftOut = (reasons: ReadonlyArray<DeploymentError>): Pick<DeploymentOutcome, "quarantined"> =>
  reasons.length === 0 ? {} : { quarantined: reasons }

/** What nginx serves after a rollback that was not proved: what it says itself, or `null` when it says nothing. */
const observed = (around: Surroundings, { attempt, served }: Work) =>
  Effect.map(ProofAnswer.ask(around.instance.runtimeDirectory), (answer) => {
    const known = [attempt, attempt.previous, served]
    return known.find(({ deploymentId }) => deploymentId === answer?.deploymentId)?.generation ?? null
  })

/** A kept tree is served again with what was left out of it. */
const reasonsOf = ({ quarantines }: Surroundings, { attempt, isolation, quarantined }: Work) =>
  isolation === null ? (quarantines.of(attempt.generation)?.reasons ?? []) : quarantined

const conclude = Effect.fnUntraced(function* (around: Surroundings, begun: Begun, work: Work, ending: Ending) {
  return yield* outcomeOf(begun, {
    status: ending.status,
    serving_generation: ending.status === "rollback_failed" ? yield* observed(around, work) : work.served.generation,
    error: ending.error,
    warnings: boundedWarnings(work.warnings),
    serving_after_millis: ending.status === "settled" ? (work.settled?.servingAfterMillis ?? null) : null,
    settled_after_millis: ending.status === "settled" ? (work.settled?.settledAfterMillis ?? null) : null,
    ...(ending.status === "settled" ? leftOut(reasonsOf(around, work)) : {})
  })
})

/** Failing to tidy or to record harms nothing now: the next start reads the journal and the directory again. */
const logged = (doing: string, effect: Effect.Effect<unknown, FileError>): Effect.Effect<void> =>
  Effect.asVoid(effect).pipe(Effect.catch((error) => Effect.logError(`${doing}: ${error.message}`)))

const beginAttempt = Effect.fnUntraced(function* (journal: Journal, previous: Served, begun: Begun) {
  const sequence = journal.state().sequence + 1
  const directory = directoryName(yield* DateTime.now, sequence)
  const { deploymentId, generation, startedAt } = begun
  const attempt = { deploymentId, generation, directory }
  yield* journal.record({ _tag: "Began", sequence, open: { ...attempt, startedAt, step: "render" } })
  return { ...attempt, previous }
})

/** Runs a deployment against what serves now. */
export const run = Effect.fnUntraced(function* (
  around: Surroundings,
  journal: Journal,
  previous: Served,
  begun: Begun
): Effect.fn.Return<Ended> {
  const begin = yield* Effect.result(beginAttempt(journal, previous, begun))
  if (begin._tag === "Failure") {
    return {
      outcome: yield* refused(begun, previous, begin.failure.message),
      served: previous,
      reloaded: false,
      quarantine: []
    }
  }
  const work = makeWork(begin.success, begun.render, begun.isolation)
  const ending = yield* Interpreter.run(around, journal, work)
  const served = ending.status === "failed" ? previous : work.served
  const outcome = yield* conclude(around, begun, work, ending)
  const { confDirectory } = around.instance
  yield* logged("cannot record how a deployment ended", journal.record({ _tag: "Ended", served, outcome }))
  if (ending.discard) {
    const { directory } = work.attempt
    yield* logged("cannot remove a failed generation", GenerationDirectory.remove(confDirectory, directory))
  }
  yield* logged(
    "cannot remove old generations",
    GenerationDirectory.prune(confDirectory, new Set([served.directory, previous.directory]))
  )
  yield* report(outcome)
  return { outcome, served, reloaded: work.reload !== null, quarantine: work.quarantine }
})

const describe = (error: DeploymentError | null): Record<string, unknown> =>
  error === null ? {} : { step: error.step, error: error.message, file: error.file, line: error.line }

const report = (outcome: DeploymentOutcome): Effect.Effect<void> => {
  const fields = { deployment_id: outcome.id, generation: outcome.generation, ...describe(outcome.error) }
  const left = outcome.quarantined ?? []
  if (left.length > 0) {
    const resources = left.map(({ message, resource }) => ({ name: resource?.name, message }))
    return Effect.logWarning("deployment settled without what nginx refuses", { ...fields, resources })
  }
  return outcome.status === "settled"
    ? Effect.logInfo("deployment settled", { ...fields, settled_after_millis: outcome.settled_after_millis })
    : Effect.logError(`deployment ${outcome.status}`, fields)
}
