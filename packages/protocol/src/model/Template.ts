/** Templates that render virtual hosts (MF-003): five built in, and custom ones per workspace, in Handlebars. */
import { Schema } from "effect"
import { TemplateId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { patch, stamps, withDefault } from "./Resource.ts"
import { Description, wellFormed } from "./Text.ts"

export const builtInTemplateNames = ["default", "spa", "api", "static", "websocket"] as const

/** How virtual hosts and partials refer to a template. */
export const TemplateName = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/, {
    message: "must be lower-case letters, digits, hyphens and underscores, at most 63"
  })
)

const fields = {
  name: TemplateName.check(
    Schema.makeFilter((name: string) =>
      builtInTemplateNames.some((builtIn) => builtIn === name) ? "is the name of a built-in template" : undefined
    )
  ),
  description: Description,
  /** Handlebars; other templates of the workspace are partials by name. */
  source: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(Limits.templateCharactersMax), wellFormed)
}

export const Template = Schema.Struct({
  id: TemplateId,
  workspace_id: WorkspaceId,
  ...fields,
  ...stamps
}).annotate({ identifier: "Template" })
export type Template = typeof Template.Type

export const TemplateCreate = Schema.Struct({
  workspace_id: WorkspaceId,
  ...fields,
  description: withDefault(fields.description, "")
}).annotate({ identifier: "TemplateCreate" })
export type TemplateCreate = typeof TemplateCreate.Type
export const TemplatePatch = patch(fields).annotate({ identifier: "TemplatePatch" })
export type TemplatePatch = typeof TemplatePatch.Type
