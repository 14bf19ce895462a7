/** Custom templates and their versions (MF-003, CM-003). Writing one needs `config:snippet`. */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { TemplateId, WorkspaceId } from "../Ids.ts"
import { Template, TemplateCreate, TemplatePatch } from "../model/Template.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, listEndpoint, versionedItemEndpoints } from "./ResourceEndpoints.ts"
import { removalQuery, summarized } from "./Summarized.ts"
import { versionEndpoints } from "./VersionEndpoints.ts"

const schemas = {
  id: TemplateId,
  resource: Template,
  create: summarized(TemplateCreate, "TemplateCreateRequest"),
  patch: summarized(TemplatePatch, "TemplatePatchRequest"),
  removal: removalQuery,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "config:read", write: "config:snippet", remove: "config:delete" },
  example: { workspace_id: exampleId, name: "own", source: "{{> default}}" }
} as const

export class TemplatesApi extends HttpApiGroup.make("templates")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...versionedItemEndpoints(schemas),
    ...versionEndpoints(schemas.id, schemas.resource, schemas.permissions)
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/templates") {}
