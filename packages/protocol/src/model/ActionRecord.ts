/** What a person asked of an agent at once (AF-001), as the log keeps it, and what became of it. */
import { Schema } from "effect"
import { ActionId, AgentId, DeploymentId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { ActionStatus, type LifecycleAction } from "./AgentAction.ts"
import { DeploymentError } from "./Deployment.ts"
import type { Permission } from "./Permission.ts"
import { withDefault } from "./Resource.ts"
import { line, Timestamp } from "./Text.ts"

/** Those that need nothing beyond their name. */
const plainActions = ["start", "stop", "reload", "restart", "test", "upgrade_binary", "maintenance_off"] as const

export const ActionName = Schema.Literals([...plainActions, "rollback", "maintenance_on"])
export type ActionName = typeof ActionName.Type

/** Why an agent is put in maintenance, for whoever finds it there. */
export const MaintenanceReason = line(Limits.changeSummaryCharactersMax)

/** As people ask for it. */
export const ActionRequest = Schema.Union([
  Schema.Struct({ action: Schema.Literals(plainActions) }),
  /** Serves a deployment again that the agent still keeps, and puts the agent in maintenance, so that it stays so. */
  Schema.Struct({ action: Schema.Literal("rollback"), deployment_id: DeploymentId }),
  Schema.Struct({
    action: Schema.Literal("maintenance_on"),
    reason: withDefault(Schema.NullOr(MaintenanceReason), null)
  })
]).annotate({ identifier: "ActionRequest" })
export type ActionRequest = typeof ActionRequest.Type

/** A reload and a test leave nginx as it is; everything else needs the right to change the agent. */
export const actionPermission = (action: ActionName): Permission =>
  action === "reload" || action === "test" ? "agent:reload" : "agent:write"

/** pending: the agent has not answered yet. It may still do it, or may have done it. */
export const ActionRecordStatus = Schema.Literals([...ActionStatus.literals, "pending"])

export const ActionRecord = Schema.Struct({
  id: ActionId,
  agent_id: AgentId,
  workspace_id: WorkspaceId,
  action: ActionName,
  /** Of a rollback. */
  deployment_id: Schema.NullOr(DeploymentId),
  /** The id of the person, as in the audit. */
  requested_by: Schema.String,
  requested_at: Timestamp,
  status: ActionRecordStatus,
  /** One sentence for the operator; `null` while it is pending. */
  message: Schema.NullOr(Schema.String),
  /** By the agent's clock. */
  started_at: Schema.NullOr(Timestamp),
  finished_at: Schema.NullOr(Timestamp),
  /** What nginx refused, in its own words. */
  errors: Schema.Array(DeploymentError)
}).annotate({ identifier: "ActionRecord" })
export type ActionRecord = typeof ActionRecord.Type

/** What is to be done by the agent; `null` where the master does it alone. */
export const lifecycleOf = ({
  action,
  deployment_id
}: Pick<ActionRecord, "action" | "deployment_id">): LifecycleAction | null => {
  switch (action) {
    case "maintenance_on":
    case "maintenance_off":
      return null
    case "rollback":
      return deployment_id === null ? null : { _tag: "rollback", deployment_id }
    default:
      return { _tag: action }
  }
}

/** Whether what was asked for is so. */
export const succeeded = ({ status }: Pick<ActionRecord, "status">): boolean =>
  status === "done" || status === "unchanged"
