/** One attempt of an agent to serve a generation. */
import { Schema } from "effect"
import { AgentId, DeploymentId, Generation, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { ResourceReference } from "./ResourceKind.ts"
import { Timestamp } from "./Text.ts"

/**
 * settled: every worker from before the reload is exiting or gone. rolled_back: failed, and the previous generation
 * serves again. failed: refused before anything live changed. rollback_failed: failed, and so did the way back.
 * interrupted: the agent died in the middle and undid it at its start.
 */
export const DeploymentStatus = Schema.Literals(["settled", "failed", "rolled_back", "rollback_failed", "interrupted"])
export type DeploymentStatus = typeof DeploymentStatus.Type

/** The steps in order; a failure names the one that failed. */
export const DeploymentStep = Schema.Literals(["render", "stage", "test", "swap", "reload", "prove", "settle"])
export type DeploymentStep = typeof DeploymentStep.Type

export const DeploymentError = Schema.Struct({
  step: DeploymentStep,
  /** What went wrong, nginx's own words where it spoke. */
  message: Schema.String.check(Schema.isMaxLength(Limits.deploymentErrorCharactersMax)),
  file: Schema.NullOr(Schema.String),
  line: Schema.NullOr(Schema.Int),
  /** The resource whose file the error names. */
  resource: Schema.NullOr(ResourceReference)
}).annotate({ identifier: "DeploymentError" })
export type DeploymentError = typeof DeploymentError.Type

/** What the agent reports when a deployment has ended. */
export const DeploymentOutcome = Schema.Struct({
  id: DeploymentId,
  generation: Generation,
  status: DeploymentStatus,
  started_at: Timestamp,
  finished_at: Timestamp,
  /** Milliseconds from the reload to the first answer of a new worker with the new id. */
  serving_after_millis: Schema.NullOr(Schema.Finite),
  /** Milliseconds from the reload until no old worker took connections. */
  settled_after_millis: Schema.NullOr(Schema.Finite),
  /** What nginx serves now. */
  serving_generation: Schema.NullOr(Generation),
  warnings: Schema.Array(Schema.String),
  error: Schema.NullOr(DeploymentError),
  /**
   * Resources of the generation that were left out because nginx refuses them, each with its reason. Only where the policy
   * says so (`bad_object: isolate`); the rest of the generation is what settled.
   */
  quarantined: Schema.optionalKey(Schema.Array(DeploymentError).check(Schema.isMaxLength(Limits.quarantinedMax)))
}).annotate({ identifier: "DeploymentOutcome" })
export type DeploymentOutcome = typeof DeploymentOutcome.Type

export const Deployment = Schema.Struct({
  ...DeploymentOutcome.fields,
  agent_id: AgentId,
  workspace_id: WorkspaceId
}).annotate({ identifier: "Deployment" })
export type Deployment = typeof Deployment.Type
