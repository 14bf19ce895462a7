/** What is wrong in the fleet, or was until lately. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { AgentId, AlertRuleId, OrganizationId, WorkspaceId } from "../Ids.ts"
import { Alert, AlertId, AlertSeverity, AlertState } from "../model/Alert.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { listQuery } from "./ListQuery.ts"

export const AlertsQuery = listQuery(["started_at"], "-started_at", {
  state: Schema.optionalKey(AlertState),
  severity: Schema.optionalKey(AlertSeverity),
  rule_id: Schema.optionalKey(AlertRuleId),
  agent_id: Schema.optionalKey(AgentId),
  organization_id: Schema.optionalKey(OrganizationId),
  workspace_id: Schema.optionalKey(WorkspaceId)
})

export class AlertsApi extends HttpApiGroup.make("alerts")
  .add(
    HttpApiEndpoint.get("list", "/", { query: AlertsQuery, success: page(Alert), error: ApiErrors }).annotateMerge(
      demands("alert:read")
    ),
    HttpApiEndpoint.get("get", "/:id", {
      params: { id: AlertId },
      success: one(Alert),
      error: ApiErrors
    }).annotateMerge(demands("alert:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/alerts") {}
