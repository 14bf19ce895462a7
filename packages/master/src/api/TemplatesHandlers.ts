import { templateClosure, type TemplateProblem, validateTemplate } from "@nxmesh/core/nginx/TemplateCheck"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { Summarized } from "@nxmesh/protocol/api/Summarized"
import { TemplateId } from "@nxmesh/protocol/Ids"
import type { TemplateCreate, TemplatePatch } from "@nxmesh/protocol/model/Template"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import type { ContentOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { newId } from "./NewIds.ts"
import { invalid } from "./Refusal.ts"
import { neutralStamps, unstamped } from "./Unstamped.ts"
import { versionedResourceHandlers } from "./VersionedResourceHandlers.ts"

/** The other templates of the workspace, which this one may use as partials. */
const siblingsOf = Effect.fnUntraced(function* (content: ContentOf<"template">) {
  const { items } = yield* (yield* Reads).list("template", {
    page: 1,
    perPage: Limits.api.templatesPerWorkspaceMax,
    sort: "name",
    descending: false,
    filters: { workspace_id: content.workspace_id }
  })
  return new Map(items.flatMap(({ id, name, source }) => (id === content.id ? [] : [[name, source] as const])))
})

const details = (field: string, problems: ReadonlyArray<TemplateProblem>): ReadonlyArray<ErrorDetail> =>
  problems.map(({ line, message }) => ({ field, message: line === null ? message : `line ${line}: ${message}` }))

/** Templates of the workspace that were fine and would not be with the new source of one that they use. */
const dependentProblems = (
  content: ContentOf<"template">,
  siblings: ReadonlyMap<string, string>,
  before: string | undefined
): ReadonlyArray<ErrorDetail> => {
  const after = new Map([...siblings, [content.name, content.source]])
  const present = before === undefined ? siblings : new Map([...siblings, [content.name, before]])
  return [...siblings].flatMap(([name, source]) => {
    if (!templateClosure(name, (each) => after.get(each) ?? null).includes(content.name)) return []
    const problems = validateTemplate(source, after, name)
    if (problems.length === 0 || validateTemplate(source, present, name).length > 0) return []
    return details("source", problems).map(({ field, message }) => ({
      field,
      message: `template "${name}" uses it as a partial: ${message}`
    }))
  })
}

/** Refuses a template that an agent could not render: by itself, in the templates that use it, for the hosts it has. */
const checked = Effect.fnUntraced(function* (content: ContentOf<"template">) {
  const siblings = yield* siblingsOf(content)
  const problems = validateTemplate(content.source, siblings, content.name)
  if (problems.length > 0) return yield* Effect.fail(invalid(details("source", problems)))
  const before = yield* (yield* Reads).get("template", content.id)
  const dependents = dependentProblems(content, siblings, before?.source)
  if (dependents.length > 0) return yield* Effect.fail(invalid(dependents))
  const hosts = yield* (yield* ConfigEngine).templateProblems({ ...content, ...neutralStamps })
  return hosts.length > 0 ? yield* Effect.fail(invalid(hosts)) : content
})

const templates = versionedResourceHandlers({
  kind: "template",
  group: "templates",
  collection: "templates",
  view: (resource) => Effect.succeed(resource),
  made: ({ change_summary: _summary, ...content }: Summarized<TemplateCreate>) =>
    Effect.map(newId(TemplateId), (id) => ({ id, ...content })),
  changed: (current, { change_summary: _summary, ...changes }: Summarized<TemplatePatch>) =>
    Effect.succeed({ ...unstamped(current), ...changes }),
  summary: changeSummary,
  save: (content, stamps) =>
    Effect.map(checked(content), (template) => ({ _tag: "SaveTemplate", ...stamps, template })),
  delete: (id, stamps) => ({ _tag: "DeleteTemplate", id, ...stamps })
})

export const layerTemplates = HttpApiBuilder.group(NxMeshApi, "templates", (handlers) => handlers.handleAll(templates))
