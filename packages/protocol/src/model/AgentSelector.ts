/** Which agents a resource targets (CF-003). */
import { Schema } from "effect"
import { AgentId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { Labels } from "./Text.ts"

export const AgentSelector = Schema.Union([
  /** Every agent of the organization. */
  Schema.Struct({ scope: Schema.Literal("global") }),
  /** Every agent of the resource's workspace. */
  Schema.Struct({ scope: Schema.Literal("workspace") }),
  /** Agents of the workspace that carry all of these labels. */
  Schema.Struct({
    scope: Schema.Literal("labels"),
    match_labels: Labels.check(
      Schema.makeFilter((labels) => (Object.keys(labels).length === 0 ? "must name at least one label" : undefined))
    )
  }),
  /** These agents of the workspace. */
  Schema.Struct({
    scope: Schema.Literal("agents"),
    agent_ids: Schema.NonEmptyArray(AgentId).check(Schema.isMaxLength(Limits.selectorAgentsMax))
  })
]).annotate({ identifier: "AgentSelector" })
export type AgentSelector = typeof AgentSelector.Type
