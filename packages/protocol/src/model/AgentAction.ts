/** What a person may ask an agent to do with its nginx at once (AF-001), and what came of it. */
import { Schema } from "effect"
import { ActionId, DeploymentId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { BundleUpdate } from "./BundleUpdate.ts"
import { DeploymentError } from "./Deployment.ts"
import { Timestamp } from "./Text.ts"

/** Those that the API offers by name. */
export const LifecycleAction = Schema.Union([
  Schema.TaggedStruct("start", {}),
  /** Graceful: requests in flight are answered. The watchdog leaves a stopped nginx alone until `start`. */
  Schema.TaggedStruct("stop", {}),
  Schema.TaggedStruct("reload", {}),
  /** `stop`, then `start`: connections are refused in between. */
  Schema.TaggedStruct("restart", {}),
  /** nginx's own test of what it would read now. */
  Schema.TaggedStruct("test", {}),
  /** Serves a deployment again whose tree the agent still keeps. */
  Schema.TaggedStruct("rollback", { deployment_id: DeploymentId }),
  /** Replaces the running master by the binary on disk without losing a connection (USR2, WINCH, QUIT). */
  Schema.TaggedStruct("upgrade_binary", {})
])
export type LifecycleAction = typeof LifecycleAction.Type

/** All that the directive `Perform` may carry. */
export const AgentAction = Schema.Union([
  ...LifecycleAction.members,
  /** Renders and tests what a change would make of this agent's configuration, and touches nothing. */
  Schema.TaggedStruct("preflight", { update: BundleUpdate })
])
export type AgentAction = typeof AgentAction.Type

/**
 * done: nginx did it, and the agent saw that it did. unchanged: it was so already. failed: it was tried, and nginx is as
 * `message` says. refused: not tried, because this agent may or can not.
 */
export const ActionStatus = Schema.Literals(["done", "unchanged", "failed", "refused"])
export type ActionStatus = typeof ActionStatus.Type

export const ActionOutcome = Schema.Struct({
  action_id: ActionId,
  status: ActionStatus,
  /** One sentence for the operator. */
  message: Schema.String.check(Schema.isMaxLength(Limits.deploymentErrorCharactersMax)),
  started_at: Timestamp,
  finished_at: Timestamp,
  /** What nginx refused: of a test or a preflight each culprit that was found, in nginx's own words. */
  errors: Schema.Array(DeploymentError).check(Schema.isMaxLength(Limits.actionErrorsMax))
}).annotate({ identifier: "ActionOutcome" })
export type ActionOutcome = typeof ActionOutcome.Type
