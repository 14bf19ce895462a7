/** Of which alerts nobody is told, for a while. */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { AlertSilenceId, OrganizationId, WorkspaceId } from "../Ids.ts"
import { AlertSilence, AlertSilenceCreate, AlertSilencePatch } from "../model/AlertSilence.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, itemEndpoints, listEndpoint } from "./ResourceEndpoints.ts"

const schemas = {
  id: AlertSilenceId,
  resource: AlertSilence,
  create: AlertSilenceCreate,
  patch: AlertSilencePatch,
  query: listQuery(["ends_at", "created_at"], "-ends_at", {
    organization_id: Schema.optionalKey(OrganizationId),
    workspace_id: Schema.optionalKey(WorkspaceId)
  }),
  permissions: { read: "alert:read", write: "alert:write", remove: "alert:write" },
  example: {
    workspace_id: exampleId,
    match_labels: { region: "eu" },
    ends_at: "2026-12-01T06:00:00.000Z",
    reason: "the provider works on its network"
  }
} as const

export class AlertSilencesApi extends HttpApiGroup.make("alertSilences")
  .add(listEndpoint(schemas), createEndpoint(schemas), ...itemEndpoints(schemas))
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/alert-silences") {}
