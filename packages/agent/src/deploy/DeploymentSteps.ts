/** What each action of the deployment machine does to the world. Which comes when is the machine's to say. */
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { DeploymentId } from "@nxmesh/protocol/Ids"
import type { DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../Limits.ts"
import * as Complaint from "@nxmesh/core/nginx/Complaint"
import type { TreePlace } from "@nxmesh/core/nginx/Culprit"
import type { NginxError } from "../nginx/NginxError.ts"
import type { NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import type { NginxCommand, NginxMaster } from "../nginx/NginxProcess.ts"
import * as Proof from "../nginx/Proof.ts"
import { ownCommand } from "../nginx/Supervisor.ts"
import * as Validation from "../nginx/Validation.ts"
import type { Action } from "./DeploymentMachine.ts"
import * as FailureReport from "./FailureReport.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"
import * as Switch from "./Switch.ts"
import type { TreeMemory } from "./TreeMemory.ts"
import type { RenderFailure, TreeRenderer } from "./TreeRenderer.ts"
import { StepFailed, type Work } from "./Work.ts"

export interface Surroundings {
  readonly instance: NginxInstanceSettings
  readonly renderer: TreeRenderer["Service"]
  readonly ensureRunning: Effect.Effect<NginxMaster, NginxError | FileError>
  readonly validationMode: Validation.ValidationMode
  readonly newDeploymentId: Effect.Effect<DeploymentId>
  readonly treeMemory: TreeMemory
}

type StepError = NginxError | FileError | RenderFailure | StepFailed
type Step = (around: Surroundings, work: Work) => Effect.Effect<void, StepError, Scope.Scope>

const render: Step = Effect.fnUntraced(function* (_, work) {
  const rendering = yield* work.render(work.attempt.directory)
  work.files = rendering.files
  work.warnings.push(...rendering.warnings)
})

const stage: Step = Effect.fnUntraced(function* ({ instance, treeMemory }, { attempt, files }) {
  const { confDirectory } = instance
  yield* GenerationDirectory.stage(confDirectory, attempt.directory, attempt.previous.directory, files, treeMemory)
})

const placeOf = ({ instance }: Surroundings, { attempt, files }: Work): TreePlace => ({
  directory: join(instance.confDirectory, attempt.directory),
  files
})

/**
 * Whose opinion counts: the running master's binary. The agent's own nginx may not start with the tree that serves, because
 * a port was taken meanwhile; then the new tree may be what mends it, and the binary on disk tests it.
 */
const tester = ({ ensureRunning, instance }: Surroundings): Effect.Effect<NginxCommand, NginxError | FileError> =>
  Effect.catch(ensureRunning, (error) => {
    const own = ownCommand(instance)
    return own === null ? Effect.fail(error) : Effect.succeed(own)
  })

const test: Step = Effect.fnUntraced(function* (around, work) {
  const { attempt } = work
  const nginx = yield* tester(around)
  const result = yield* Validation.validate(around.instance, nginx, around.validationMode, {
    directory: attempt.directory,
    live: attempt.previous.directory,
    marker: `deployment ${attempt.deploymentId}`
  })
  work.testMillis = result.elapsedMillis
  const place = placeOf(around, work)
  if (!result.passed) {
    const error = FailureReport.fromOutput("test", result.output, "nginx refuses the configuration", place)
    return yield* new StepFailed({ error })
  }
  const complaints = Complaint.complaintsIn(result.output)
  const conflict = FailureReport.conflict(complaints, place)
  if (conflict !== null) return yield* new StepFailed({ error: conflict })
  work.warnings.push(...complaints.map(({ level, message }) => `nginx: [${level}] ${message}`))
})

const swap: Step = ({ instance }, { attempt }) => GenerationDirectory.swap(instance.confDirectory, attempt.directory)

const reload: Step = Effect.fnUntraced(function* (around, work) {
  work.reload = yield* Switch.reload(around.instance, yield* around.ensureRunning)
})

const prove: Step = Effect.fnUntraced(function* (around, work) {
  if (work.reload === null) return yield* Effect.die(new Error("a proof was asked for before the reload"))
  const { deploymentId } = work.served
  const { runtimeDirectory } = around.instance
  work.settled = yield* Proof.prove(work.reload, runtimeDirectory, deploymentId, work.testMillis)
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
  swap: ["swap", swap],
  reload: ["reload", reload],
  prove: ["prove", (around, work) => Effect.andThen(claim(around, work), prove(around, work))],
  settle: ["settle", () => Effect.void],
  "rollback:swap": ["swap", restore],
  "rollback:reload": ["reload", reload],
  "rollback:prove": ["prove", prove]
}

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
    Effect.withSpan(`Deployment.${action}`)
  )
}

/** Warnings as an outcome carries them. */
export const boundedWarnings = (warnings: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(warnings)].slice(0, Limits.warningsMax)
