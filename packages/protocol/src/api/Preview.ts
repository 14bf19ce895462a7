/** What an agent's nginx would be given, and how it differs from what it serves. */
import { Schema } from "effect"
import { AgentId, Generation, TemplateId, UpstreamId, VirtualHostId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { RenderedFile } from "../model/Bundle.ts"
import { FileDifference } from "../model/ConfigVersion.ts"
import { withDefault } from "../model/Resource.ts"
import { ResourceReference } from "../model/ResourceKind.ts"
import { TemplateCreate } from "../model/Template.ts"
import { UpstreamCreate } from "../model/Upstream.ts"
import { VirtualHostCreate } from "../model/VirtualHost.ts"
import { ErrorDetail } from "../Rejection.ts"

/** A resource as it would be saved: with `id` it stands for that one, without it is new. */
export const PreviewDraft = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("virtual_host"),
    id: withDefault(Schema.NullOr(VirtualHostId), null),
    data: VirtualHostCreate
  }),
  Schema.Struct({
    kind: Schema.Literal("upstream"),
    id: withDefault(Schema.NullOr(UpstreamId), null),
    data: UpstreamCreate
  }),
  Schema.Struct({
    kind: Schema.Literal("template"),
    id: withDefault(Schema.NullOr(TemplateId), null),
    data: TemplateCreate
  })
]).annotate({ identifier: "PreviewDraft" })
export type PreviewDraft = typeof PreviewDraft.Type

export const PreviewRequest = Schema.Struct({
  drafts: Schema.Array(PreviewDraft).check(Schema.isMaxLength(Limits.previewDraftsMax))
}).annotate({ identifier: "PreviewRequest" })
export type PreviewRequest = typeof PreviewRequest.Type

/** Something the renderer would leave out or warns of, and the resource it is about. */
export const PreviewProblem = Schema.Struct({
  severity: Schema.Literals(["error", "warning"]),
  message: Schema.String,
  resource: Schema.NullOr(ResourceReference)
}).annotate({ identifier: "PreviewProblem" })
export type PreviewProblem = typeof PreviewProblem.Type

export const Preview = Schema.Struct({
  agent_id: AgentId,
  /** Of the content shown. */
  generation: Generation,
  /** What the agent serves now, by its last report. */
  serving_generation: Schema.NullOr(Generation),
  /** Private keys are masked. */
  files: Schema.Array(RenderedFile),
  /** Against what the agent serves now. */
  changes: Schema.Array(FileDifference),
  clashes: Schema.Array(ErrorDetail),
  problems: Schema.Array(PreviewProblem)
}).annotate({ identifier: "Preview" })
export type Preview = typeof Preview.Type
