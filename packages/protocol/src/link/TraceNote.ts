/** A trace on its way between master and agent. Whoever does not know it ignores it, and nothing is done differently for it. */
import { Schema } from "effect"

const text = Schema.String.check(Schema.isMaxLength(64))

export const TraceNote = Schema.Struct({
  /** Where the trace goes on (W3C Trace Context); what is malformed counts as absent. */
  traceparent: text,
  /** The agent that a directive is for. */
  agent_id: Schema.optionalKey(text),
  /** Which resource changed and whose it is, for the attributes of spans. */
  config_id: Schema.optionalKey(text),
  workspace_id: Schema.optionalKey(text),
  organization_id: Schema.optionalKey(text)
})
export type TraceNote = typeof TraceNote.Type

/** Attributes of spans (OB-002). */
export const traceAttributes = ({
  agent_id,
  config_id,
  organization_id,
  workspace_id
}: Omit<TraceNote, "traceparent">): Record<string, string> => ({
  ...(agent_id === undefined ? {} : { "nxmesh.agent_id": agent_id }),
  ...(config_id === undefined ? {} : { "nxmesh.config_id": config_id }),
  ...(workspace_id === undefined ? {} : { "nxmesh.workspace_id": workspace_id }),
  ...(organization_id === undefined ? {} : { "nxmesh.organization_id": organization_id })
})
