/** What nginx on one agent says of a change before it is made. */
import { Schema } from "effect"
import { AgentId } from "../Ids.ts"
import { DeploymentError } from "../model/Deployment.ts"

/** In the query of a change: it is made only when nginx on this agent takes it. */
export const preflightQuery = Schema.Struct({ preflight: Schema.optionalKey(AgentId) })

export const PreflightReport = Schema.Struct({
  agent_id: AgentId,
  passed: Schema.Boolean,
  /** One sentence of the agent's. */
  message: Schema.String,
  /** What nginx refused, in its own words, with the resource where it is known. */
  errors: Schema.Array(DeploymentError)
}).annotate({ identifier: "PreflightReport" })
export type PreflightReport = typeof PreflightReport.Type
