/** What is watched for. */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { AlertRuleId, OrganizationId, WorkspaceId } from "../Ids.ts"
import { AlertRule, AlertRuleCreate, AlertRulePatch } from "../model/AlertRule.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: AlertRuleId,
  resource: AlertRule,
  create: AlertRuleCreate,
  patch: AlertRulePatch,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    organization_id: Schema.optionalKey(OrganizationId),
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText),
    kind: Schema.optionalKey(filterText)
  }),
  permissions: { read: "alert:read", write: "alert:write", remove: "alert:write" },
  example: {
    workspace_id: exampleId,
    name: "Processor of the edge",
    condition: { kind: "agent_metric", metric: "cpu_percent", is: "above", threshold: 90 },
    severity: "warning",
    for_seconds: 300,
    selector: { scope: "labels", match_labels: { tier: "edge" } },
    summary: "{{subject}}: {{reason}}"
  }
} as const

export class AlertRulesApi extends HttpApiGroup.make("alertRules")
  .add(listEndpoint(schemas), createEndpoint(schemas), ...itemEndpoints(schemas))
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/alert-rules") {}
