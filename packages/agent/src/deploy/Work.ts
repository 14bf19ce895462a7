/** What one deployment finds out on its way; owned by the fiber that runs it. */
import { Data, type Effect } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { DeploymentError, DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import type { Reload, Settled } from "../nginx/Proof.ts"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { Attempt, Served } from "./Attempt.ts"
import type { GoodVersion, Quarantine } from "./Quarantine.ts"
import type { Rendering, RenderFailure } from "./TreeRenderer.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"

/** Makes the files of a generation for the directory that they will lie in; of less than the whole bundle, when told. */
export type RenderInto = (directory: string, reduced?: Bundle) => Effect.Effect<Rendering, FileError | RenderFailure>

/** What may be done about resources that nginx refuses. Absent for a tree that is served again as it was. */
export interface Isolation {
  readonly bundle: Bundle
  /** False: the culprit is named, and the whole generation refused. */
  readonly leavesOut: boolean
  /** What is left out from the beginning: known, or named by a reload that failed. */
  readonly known: Quarantine
  /** Refused at a time before: likely culprits, tried all the same. */
  readonly suspects: ReadonlySet<string>
  readonly good: GoodVersion
}

export interface Work {
  readonly attempt: Attempt
  readonly render: RenderInto
  readonly isolation: Isolation | null
  readonly warnings: Array<string>
  files: ReadonlyArray<RenderedFile>
  /** The attempt's directory may be there. */
  isStaged: boolean
  /** Why the last step failed that did. */
  failure: DeploymentError | null
  /** What the last refusal says of the tree itself: each error of the renderer, or the one of a test. */
  refusals: ReadonlyArray<DeploymentError>
  /** What is left out, and what is said of it. */
  quarantine: Quarantine
  quarantined: ReadonlyArray<DeploymentError>
  /** How often something was left out anew. */
  isolations: number
  /** How long nginx took to test the tree: what a reload of it may take follows from this. */
  testMillis: number
  reload: Reload | null
  settled: Settled | null
  /** What serves when the deployment has ended: the attempt, or the previous tree, under a new id after a rollback. */
  served: Served
}

export const makeWork = (attempt: Attempt, render: RenderInto, isolation: Isolation | null = null): Work => ({
  attempt,
  render,
  isolation,
  warnings: [],
  files: [],
  isStaged: false,
  failure: null,
  refusals: [],
  quarantine: isolation?.known ?? [],
  quarantined: [],
  isolations: 0,
  testMillis: 0,
  reload: null,
  settled: null,
  served: attempt.previous
})

/** A step failed, and this is what the outcome will say. */
export class StepFailed extends Data.TaggedError("StepFailed")<{ readonly error: DeploymentError }> {}

export const stepFailed = (step: DeploymentStep, message: string): StepFailed =>
  new StepFailed({ error: { step, message, file: null, line: null, resource: null } })
