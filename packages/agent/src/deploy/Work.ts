/** What one deployment finds out on its way; owned by the fiber that runs it. */
import { Data, type Effect } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { DeploymentError, DeploymentStep } from "@nxmesh/protocol/model/Deployment"
import type { Reload, Settled } from "../nginx/Proof.ts"
import type { Attempt, Served } from "./Attempt.ts"
import type { Rendering, RenderFailure } from "./TreeRenderer.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"

/** Makes the files of a generation for the directory that they will lie in. */
export type RenderInto = (directory: string) => Effect.Effect<Rendering, FileError | RenderFailure>

export interface Work {
  readonly attempt: Attempt
  readonly render: RenderInto
  readonly warnings: Array<string>
  files: ReadonlyArray<RenderedFile>
  /** How long nginx took to test the tree: what a reload of it may take follows from this. */
  testMillis: number
  reload: Reload | null
  settled: Settled | null
  /** What serves when the deployment has ended: the attempt, or the previous tree, under a new id after a rollback. */
  served: Served
}

export const makeWork = (attempt: Attempt, render: RenderInto): Work => ({
  attempt,
  render,
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
