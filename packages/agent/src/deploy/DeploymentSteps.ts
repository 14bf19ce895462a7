/** What each action of the deployment machine does to the world. Which comes when is the machine's to say. */
import { Effect, type Scope } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { DeploymentId } from "@nxmesh/protocol/Ids"
import type { DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../Limits.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import type { NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import type { NginxMaster } from "../nginx/NginxProcess.ts"
import * as Proof from "../nginx/Proof.ts"
import * as ReloadComplaints from "../nginx/ReloadComplaints.ts"
import type { Sandbox } from "../nginx/Sandbox.ts"
import type * as Validation from "../nginx/Validation.ts"
import type { Action } from "./DeploymentMachine.ts"
import * as FailureReport from "./FailureReport.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"
import * as Isolate from "./Isolate.ts"
import { reduce } from "./Quarantine.ts"
import type { QuarantineStore } from "./QuarantineStore.ts"
import * as Switch from "./Switch.ts"
import type { TreeMemory } from "./TreeMemory.ts"
import * as TreeTest from "./TreeTest.ts"
import type { RenderFailure, TreeRenderer } from "./TreeRenderer.ts"
import { StepFailed, type Work } from "./Work.ts"

export interface Surroundings {
  readonly instance: NginxInstanceSettings
  readonly renderer: TreeRenderer["Service"]
  readonly ensureRunning: Effect.Effect<NginxMaster, NginxError | FileError>
  readonly validationMode: Validation.ValidationMode
  readonly newDeploymentId: Effect.Effect<DeploymentId>
  readonly treeMemory: TreeMemory
  readonly quarantines: QuarantineStore["Service"]
  readonly sandbox: Sandbox["Service"]
}

type StepError = NginxError | FileError | RenderFailure | StepFailed
type Step = (around: Surroundings, work: Work) => Effect.Effect<void, StepError, Scope.Scope>

const render: Step = Effect.fnUntraced(function* (_, work) {
  const { attempt, isolation } = work
  const reduced = isolation === null ? null : reduce(isolation.bundle, isolation.known)
  work.quarantined = reduced?.reasons ?? []
  const rendering = yield* work
    .render(attempt.directory, reduced?.bundle)
    .pipe(Effect.tapError((error) => Effect.sync(() => (work.refusals = refusalsOf(error)))))
  work.files = rendering.files
  work.warnings.push(...rendering.warnings)
})

const refusalsOf = (error: FileError | RenderFailure): Work["refusals"] =>
  error._tag === "RenderFailure" ? Isolate.renderRefusals(error) : []

const stage: Step = Effect.fnUntraced(function* ({ instance, treeMemory }, work) {
  const { attempt, files } = work
  const { confDirectory } = instance
  if (work.isStaged) yield* GenerationDirectory.remove(confDirectory, attempt.directory)
  work.isStaged = true
  yield* GenerationDirectory.stage(confDirectory, attempt.directory, attempt.previous.directory, files, treeMemory)
})

const test: Step = Effect.fnUntraced(function* (around, work) {
  const { attempt } = work
  work.refusals = []
  const tested = yield* TreeTest.run(around, Isolate.candidateOf(work))
  work.testMillis = tested.elapsedMillis
  if (tested.refusal !== null) {
    work.refusals = [tested.refusal]
    return yield* new StepFailed({ error: tested.refusal })
  }
  work.warnings.push(...tested.warnings)
  if (work.isolation !== null) {
    const nginx = yield* TreeTest.identity(around)
    yield* around.quarantines.keep({
      generation: attempt.generation,
      nginx,
      quarantine: work.quarantine,
      reasons: work.quarantined
    })
  }
})

const isolate: Step = (around, work) => Isolate.run(around, work)

const swap: Step = ({ instance }, { attempt }) => GenerationDirectory.swap(instance.confDirectory, attempt.directory)

const reload: Step = Effect.fnUntraced(function* (around, work) {
  work.reload = yield* Switch.reload(around.instance, yield* around.ensureRunning)
})

const prove: Step = Effect.fnUntraced(function* (around, work) {
  if (work.reload === null) return yield* Effect.die(new Error("a proof was asked for before the reload"))
  const { deploymentId } = work.served
  const { runtimeDirectory } = around.instance
  work.settled = yield* Proof.prove(work.reload, runtimeDirectory, deploymentId, work.testMillis)
  work.warnings.push(...(yield* ReloadComplaints.since(work.reload.errorLog)))
})

const restore: Step = Effect.fnUntraced(function* (around, work) {
  work.settled = null
  work.served = yield* Switch.restore(around.instance, work.attempt.previous, yield* around.newDeploymentId)
})

const claim: Step = (_, work) =>
  Effect.sync(() => {
    const { deploymentId, directory, generation } = work.attempt
    work.served = { deploymentId, directory, generation }
  })

const steps: Readonly<Record<Action, readonly [step: DeploymentStep, run: Step]>> = {
  render: ["render", render],
  stage: ["stage", stage],
  test: ["test", test],
  isolate: ["test", isolate],
  swap: ["swap", swap],
  reload: ["reload", reload],
  prove: ["prove", (around, work) => Effect.andThen(claim(around, work), prove(around, work))],
  settle: ["settle", () => Effect.void],
  "rollback:swap": ["swap", restore],
  "rollback:reload": ["reload", reload],
  "rollback:prove": ["prove", prove]
}

const placeOf = ({ instance }: Surroundings, { attempt, files }: Work) =>
  TreeTest.placeOf(instance, attempt.directory, files)

/** Runs one action. What it fails with is ready for the outcome. */
export const perform = (
  around: Surroundings,
  work: Work,
  action: Action
): Effect.Effect<void, StepFailed, Scope.Scope> => {
  const [step, run] = steps[action]
  return run(around, work).pipe(
    Effect.mapError((error) =>
      error._tag === "StepFailed"
        ? error
        : new StepFailed({ error: FailureReport.fromError(step, error, placeOf(around, work)) })
    ),
    Effect.tapError(({ error }) => Effect.sync(() => (work.failure = error))),
    Effect.withSpan(`Deployment.${action}`)
  )
}

/** Warnings as an outcome carries them. */
export const boundedWarnings = (warnings: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(warnings)].slice(0, Limits.warningsMax)
