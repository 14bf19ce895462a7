import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { AlertRuleId } from "@nxmesh/protocol/Ids"
import { type AlertRuleCreate, type AlertRulePatch, alertRuleProblems } from "@nxmesh/protocol/model/AlertRule"
import type { Place } from "@nxmesh/protocol/model/Place"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ContentOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { withAlerting } from "./AlertingVersion.ts"
import { newId } from "./NewIds.ts"
import { invalid } from "./Refusal.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { unstamped } from "./Unstamped.ts"

/** Of a workspace its id is enough: whose it is, the state knows. */
export const fullPlace = Effect.fnUntraced(function* ({ organization_id, workspace_id }: Place) {
  if (workspace_id === null || organization_id !== null) return { organization_id, workspace_id }
  const workspace = yield* (yield* Reads).get("workspace", workspace_id)
  return { organization_id: workspace?.organization_id ?? null, workspace_id }
})

/** Refuses what the schema alone cannot see. */
const checked = Effect.fnUntraced(function* (rule: ContentOf<"alert_rule">) {
  const problems = alertRuleProblems(rule)
  return problems.length > 0 ? yield* Effect.fail(invalid(problems)) : rule
})

const rules = resourceHandlers({
  kind: "alert_rule",
  group: "alertRules",
  collection: "alert-rules",
  view: (rule) => Effect.succeed(rule),
  create: Effect.fnUntraced(function* (payload: AlertRuleCreate) {
    const id = yield* newId(AlertRuleId)
    const alert_rule = yield* checked({ ...payload, ...(yield* fullPlace(payload)), id })
    return { _tag: "SaveAlertRule", mode: "create", if_match: null, alert_rule } as const
  }),
  change: (current, payload: AlertRulePatch) =>
    Effect.map(checked({ ...unstamped(current), ...payload }), (alert_rule) => ({
      _tag: "SaveAlertRule",
      mode: "update",
      if_match: current.revision,
      alert_rule
    })),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteAlertRule", id: params.id, if_match })
})

export const layerAlertRules = HttpApiBuilder.group(NxMeshApi, "alertRules", (handlers) =>
  handlers.handleAll({
    list: withAlerting(rules.list),
    create: withAlerting(rules.create),
    get: withAlerting(rules.get),
    change: withAlerting(rules.change),
    remove: withAlerting(rules.remove)
  })
)
