/** What is wrong now, or was until lately: one condition of one rule, of one subject (issue 6: alerts). */
import { Schema } from "effect"
import { AgentId, AlertRuleId, AlertSilenceId, OrganizationId, WebhookId, WorkspaceId } from "../Ids.ts"
import { Timestamp } from "./Text.ts"

/** The first is the least. */
export const AlertSeverity = Schema.Literals(["info", "warning", "critical"])
export type AlertSeverity = typeof AlertSeverity.Type

/** Whether `severity` is at least as bad as `least`. */
export const isAtLeast = (severity: AlertSeverity, least: AlertSeverity): boolean =>
  AlertSeverity.literals.indexOf(severity) >= AlertSeverity.literals.indexOf(least)

/** Names one rule and one subject of it, whenever it fires: the first 32 hexadecimal digits of a hash of both. */
export const AlertId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{32}$/, { message: "must be 32 hexadecimal digits in lower case" })
).pipe(Schema.brand("AlertId"))
export type AlertId = typeof AlertId.Type

/** pending: the condition holds, and not for long enough yet. resolved: it holds no more; kept for a while. */
export const AlertState = Schema.Literals(["pending", "firing", "resolved"])
export type AlertState = typeof AlertState.Type

/** What an alert is about. rule: the rule itself could not be judged. */
export const AlertSubject = Schema.Struct({
  kind: Schema.Literals(["agent", "certificate", "master", "cluster", "rule"]),
  id: Schema.String,
  name: Schema.String,
  /** Which of several things of the subject, as the code of an agent's own alert; empty where there is one. */
  part: Schema.String
}).annotate({ identifier: "AlertSubject" })
export type AlertSubject = typeof AlertSubject.Type

/** As replicated. What is silenced is asked when it is looked at. */
export const StoredAlert = Schema.Struct({
  id: AlertId,
  rule_id: AlertRuleId,
  rule_name: Schema.String,
  /** Of the rule's condition, as in `agent_offline`. */
  kind: Schema.String,
  severity: AlertSeverity,
  state: AlertState,
  subject: AlertSubject,
  /** Where it belongs; both `null`: to the installation. */
  organization_id: Schema.NullOr(OrganizationId),
  workspace_id: Schema.NullOr(WorkspaceId),
  agent_id: Schema.NullOr(AgentId),
  /** Those of the rule, over those of the agent. */
  labels: Schema.Record(Schema.String, Schema.String),
  /** What is wrong, in one sentence with the values. */
  summary: Schema.String,
  /** What was measured, in the unit of the condition; `null` where nothing is. */
  value: Schema.NullOr(Schema.Finite),
  /** Since when the condition holds. */
  started_at: Timestamp,
  fired_at: Schema.NullOr(Timestamp),
  resolved_at: Schema.NullOr(Timestamp)
})
export type StoredAlert = typeof StoredAlert.Type

/** As answered. */
export const Alert = Schema.Struct({
  ...StoredAlert.fields,
  /** Silences that hold it back now: nobody is told of it. */
  silenced_by: Schema.Array(AlertSilenceId),
  /** True while its agent is in maintenance, which silences as well. */
  in_maintenance: Schema.Boolean,
  /** Webhooks that a message about it is written for. */
  told: Schema.Array(WebhookId)
}).annotate({ identifier: "FleetAlert" })
export type Alert = typeof Alert.Type
