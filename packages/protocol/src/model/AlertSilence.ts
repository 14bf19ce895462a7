/** Silences: nobody is told of the alerts that one matches, while it lasts. They are shown all the same. */
import { Schema } from "effect"
import { AgentId, AlertRuleId, AlertSilenceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import type { ErrorDetail } from "../Rejection.ts"
import { holds, type Place, place, placeOnCreate } from "./Place.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Labels, line, Timestamp } from "./Text.ts"

/** What an alert must have to be silenced: all that is given. None of it: every alert of the silence's place. */
const matcher = {
  rule_id: Schema.NullOr(AlertRuleId),
  agent_id: Schema.NullOr(AgentId),
  /** All of these. */
  match_labels: Labels
}

const content = {
  reason: line(Limits.changeSummaryCharactersMax),
  starts_at: Timestamp,
  ends_at: Timestamp
}

export const AlertSilence = Schema.Struct({
  id: AlertSilenceId,
  ...place,
  ...matcher,
  ...content,
  /** Who made it, by the name that the audit uses. */
  created_by: Schema.String,
  ...stamps
}).annotate({ identifier: "AlertSilence" })
export type AlertSilence = typeof AlertSilence.Type

export const AlertSilenceCreate = Schema.Struct({
  ...placeOnCreate,
  rule_id: withDefault(matcher.rule_id, null),
  agent_id: withDefault(matcher.agent_id, null),
  match_labels: withDefault(Labels, {}),
  ...content,
  /** From the moment of the request, when it is left out. */
  starts_at: Schema.optionalKey(Timestamp)
}).annotate({ identifier: "AlertSilenceCreate" })
export type AlertSilenceCreate = typeof AlertSilenceCreate.Type

/** To end a silence now, set `ends_at` to this moment, or delete it. */
export const AlertSilencePatch = patch(content).annotate({ identifier: "AlertSilencePatch" })
export type AlertSilencePatch = typeof AlertSilencePatch.Type

export const silenceProblems = ({
  ends_at,
  starts_at
}: Pick<AlertSilence, "ends_at" | "starts_at">): ReadonlyArray<ErrorDetail> => {
  const [start, end] = [Date.parse(starts_at), Date.parse(ends_at)]
  if (Number.isNaN(start)) return [{ field: "starts_at", message: "is no day of the calendar" }]
  if (Number.isNaN(end)) return [{ field: "ends_at", message: "is no day of the calendar" }]
  if (end <= start) return [{ field: "ends_at", message: "must be after starts_at" }]
  const days = Limits.silenceDaysMax
  return end - start <= days * 86_400_000
    ? []
    : [
        {
          field: "ends_at",
          message: `must be at most ${days} days after starts_at: what is silenced for ever is better disabled`
        }
      ]
}

interface Silenceable extends Place {
  readonly rule_id: AlertRuleId
  readonly agent_id: AgentId | null
  readonly labels: Readonly<Record<string, string>>
}

/** Whether the silence holds the alert back at this moment. */
export const silences = (silence: AlertSilence, alert: Silenceable, nowMillis: number): boolean =>
  Date.parse(silence.starts_at) <= nowMillis &&
  nowMillis < Date.parse(silence.ends_at) &&
  holds(silence, alert) &&
  (silence.rule_id === null || silence.rule_id === alert.rule_id) &&
  (silence.agent_id === null || silence.agent_id === alert.agent_id) &&
  Object.entries(silence.match_labels).every(([key, value]) => alert.labels[key] === value)
