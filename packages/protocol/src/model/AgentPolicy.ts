/**
 * What a workspace, or one agent, wants of the agent beside its nginx when something is not as it should be. A workspace's word
 * holds for all of its agents; an agent's own fields come before it.
 */
import { Schema } from "effect"

/** Of files that differ from the settled generation: tell; put them back and tell; make what was found the next version. */
export const DriftPolicy = Schema.Literals(["alert", "revert", "accept"])
export type DriftPolicy = typeof DriftPolicy.Type

/** Of a resource that nginx refuses: refuse the whole generation and name it; leave it out, name it, and serve the rest. */
export const BadObjectPolicy = Schema.Literals(["refuse", "isolate"])
export type BadObjectPolicy = typeof BadObjectPolicy.Type

const fields = {
  drift: DriftPolicy,
  bad_object: BadObjectPolicy,
  /** Seconds between two health reports (AF-003); changes are reported at once. */
  report_interval_seconds: Schema.Int.check(Schema.isBetween({ minimum: 5, maximum: 3_600 })),
  /** Share of access-log lines that are shipped to the masters, in [0, 1]; lines of errors (5xx) always are, unless it is 0. */
  access_log_sample_ratio: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
}

/** Whole: what an agent goes by. */
export const AgentPolicy = Schema.Struct(fields).annotate({ identifier: "AgentPolicy" })
export type AgentPolicy = typeof AgentPolicy.Type

/** As people set it: what is absent comes from above. */
export const AgentPolicyChoice = Schema.Struct({
  drift: Schema.optionalKey(fields.drift),
  bad_object: Schema.optionalKey(fields.bad_object),
  report_interval_seconds: Schema.optionalKey(fields.report_interval_seconds),
  access_log_sample_ratio: Schema.optionalKey(fields.access_log_sample_ratio)
}).annotate({ identifier: "AgentPolicyChoice" })
export type AgentPolicyChoice = typeof AgentPolicyChoice.Type

/** Where nobody has chosen. */
export const agentPolicyDefault: AgentPolicy = {
  drift: "revert",
  bad_object: "refuse",
  report_interval_seconds: 30,
  access_log_sample_ratio: 1
}

/** What holds for an agent. */
export const effectivePolicy = (workspace: AgentPolicyChoice, agent: AgentPolicyChoice): AgentPolicy => ({
  ...agentPolicyDefault,
  ...workspace,
  ...agent
})
