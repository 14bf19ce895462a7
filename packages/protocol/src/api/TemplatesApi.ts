/** Custom templates and their versions (MF-003, CM-003). Writing one needs `config:snippet`. */
import { Schema } from "effect"
import { TemplateId, WorkspaceId } from "../Ids.ts"
import { Template, TemplateCreate, TemplatePatch } from "../model/Template.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { summarized } from "./Summarized.ts"
import { versionedResource } from "./VersionedResource.ts"

export class TemplatesApi extends versionedResource("templates", "/templates", {
  id: TemplateId,
  resource: Template,
  create: summarized(TemplateCreate, "TemplateCreateRequest"),
  patch: summarized(TemplatePatch, "TemplatePatchRequest"),
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "config:read", write: "config:snippet", remove: "config:delete" },
  example: { workspace_id: exampleId, name: "own", source: "{{> default}}" }
}) {}
