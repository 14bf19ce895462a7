/** Rules that say what is wrong, where, for how long, and how bad it is. */
import { Schema } from "effect"
import { AlertRuleId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import type { ErrorDetail } from "../Rejection.ts"
import { AgentSelector } from "./AgentSelector.ts"
import { AlertSeverity } from "./Alert.ts"
import { AlertCondition, conditionSubject } from "./AlertCondition.ts"
import { place, placeOnCreate } from "./Place.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Labels, Name, wellFormed } from "./Text.ts"

const seconds = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

/** What a summary may name in double braces. */
export const annotationNames = ["subject", "rule", "value", "reason", "severity"] as const
export type AnnotationName = (typeof annotationNames)[number]

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g

/** The text with its values. What it does not know stays as it is written: `summary` is checked when a rule is saved. */
export const annotated = (text: string, values: Readonly<Record<AnnotationName, string>>): string =>
  text.replace(placeholder, (written, name: string) =>
    Object.hasOwn(values, name) ? values[name as AnnotationName] : written
  )

const Annotation = Schema.String.check(
  Schema.isMaxLength(Limits.descriptionCharactersMax),
  wellFormed,
  Schema.makeFilter((text: string) => {
    const unknown = [...text.matchAll(placeholder)]
      .map(([, name = ""]) => name)
      .find((name) => !annotationNames.some((known) => known === name))
    return unknown === undefined
      ? undefined
      : `names {{${unknown}}}: there are ${annotationNames.map((name) => `{{${name}}}`).join(", ")}`
  })
)

const content = {
  name: Name,
  enabled: Schema.Boolean,
  condition: AlertCondition,
  severity: AlertSeverity,
  /** How long the condition has to hold before the alert fires. */
  for_seconds: seconds(Limits.alertForSecondsMax),
  /** How long it has to be gone before the alert is resolved, so that what flaps is one alert. */
  resolve_after_seconds: seconds(Limits.alertForSecondsMax),
  /** Which agents, of those in the rule's place. `workspace` and `agents` need a rule of a workspace. */
  selector: AgentSelector,
  /** Go with every alert of the rule, over the labels of its agent. */
  labels: Labels,
  /** What an alert says. Empty: what the condition says by itself, which is {{reason}}. */
  summary: Annotation
}

export const AlertRule = Schema.Struct({ id: AlertRuleId, ...place, ...content, ...stamps }).annotate({
  identifier: "AlertRule"
})
export type AlertRule = typeof AlertRule.Type

export const AlertRuleCreate = Schema.Struct({
  ...placeOnCreate,
  ...content,
  enabled: withDefault(Schema.Boolean, true),
  severity: withDefault(AlertSeverity, "warning"),
  for_seconds: withDefault(content.for_seconds, 60),
  resolve_after_seconds: withDefault(content.resolve_after_seconds, 60),
  selector: withDefault(AgentSelector, { scope: "global" }),
  labels: withDefault(Labels, {}),
  summary: withDefault(Annotation, "")
}).annotate({ identifier: "AlertRuleCreate" })
export type AlertRuleCreate = typeof AlertRuleCreate.Type

export const AlertRulePatch = patch(content).annotate({ identifier: "AlertRulePatch" })
export type AlertRulePatch = typeof AlertRulePatch.Type

/** What the schema alone cannot see: fields that do not go together. */
export const alertRuleProblems = (
  rule: Pick<AlertRule, "condition" | "organization_id" | "selector" | "workspace_id">
): ReadonlyArray<ErrorDetail> => {
  const { condition, organization_id, selector, workspace_id } = rule
  const problems: Array<ErrorDetail> = []
  const subject = conditionSubject(condition)
  if (subject === "master" && organization_id !== null) {
    problems.push({
      field: "organization_id",
      message: `must be null: ${condition.kind} is about the masters, which belong to the installation`
    })
  }
  if (subject !== "agent" && selector.scope !== "global") {
    problems.push({ field: "selector.scope", message: `must be global: ${condition.kind} is not about agents` })
  }
  if (workspace_id === null && (selector.scope === "workspace" || selector.scope === "agents")) {
    problems.push({
      field: "selector.scope",
      message: `${selector.scope} needs workspace_id: or choose global or labels`
    })
  }
  return problems
}
