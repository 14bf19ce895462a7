/** What one deployment finds out on its way; owned by the fiber that runs it. */
import { Data } from "effect"
import type { DeploymentError, DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { Reload, Settled } from "../nginx/Proof.ts"
import type { Attempt, Served } from "./Attempt.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"

export interface Work {
  readonly attempt: Attempt
  readonly bundle: Bundle
  readonly warnings: Array<string>
  files: ReadonlyArray<RenderedFile>
  /** How long nginx took to test the tree: what a reload of it may take follows from this. */
  testMillis: number
  reload: Reload | null
  settled: Settled | null
  /** What serves when the deployment has ended: the attempt, or the previous tree, under a new id after a rollback. */
  served: Served
}

export const makeWork = (attempt: Attempt, bundle: Bundle): Work => ({
  attempt,
  bundle,
  warnings: [],
  files: [],
  testMillis: 0,
  reload: null,
  settled: null,
  served: attempt.previous
})

/** A step failed, and this is what the outcome will say. */
export class StepFailed extends Data.TaggedError("StepFailed")<{ readonly error: DeploymentError }> {}

export const stepFailed = (step: DeploymentStep, message: string): StepFailed =>
  new StepFailed({ error: { step, message, file: null, line: null, resource: null } })
