import { templateClosure, type TemplateProblem, validateTemplate } from "@nxmesh/core/nginx/TemplateCheck"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { TemplateId } from "@nxmesh/protocol/Ids"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import type { ContentOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { changeResource, existing } from "./Change.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { lastVersion, newId, newVersion } from "./NewIds.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { invalid } from "./Refusal.ts"
import { rollBack } from "./Rollback.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { neutralStamps, unstamped } from "./Unstamped.ts"
import { answerDiff, answerVersion, answerVersions } from "./VersionHandlers.ts"

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

const save = Effect.fnUntraced(function* (
  content: ContentOf<"template">,
  place: { readonly mode: "create" | "update"; readonly if_match: number | null },
  summary: string,
  rollbackOf: number | null = null
) {
  const template = yield* checked(content)
  return { _tag: "SaveTemplate" as const, ...place, ...(yield* newVersion(summary, rollbackOf)), template }
})

export const layerTemplates = HttpApiBuilder.group(
  NxMeshApi,
  "templates",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("templates.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, yield* reads.list("template", listQueryOf(query)), index)
      }),
      create: Effect.fn("templates.create")(function* ({ headers, payload }) {
        const { change_summary, ...content } = payload
        const id = yield* newId(TemplateId)
        const accepted = yield* submit(
          yield* save({ id, ...content }, { mode: "create", if_match: null }, change_summary ?? "created"),
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "templates", payload })
        )
        return yield* answerCreated(accepted.value as Template, accepted.index, "templates")
      }),
      get: Effect.fn("templates.get")(function* ({ headers, params }) {
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(yield* existing("template", params.id), index, headers["if-none-match"])
      }),
      change: Effect.fn("templates.change")(function* ({ headers, params, payload }) {
        const { change_summary, ...changes } = payload
        const accepted = yield* changeResource({
          kind: "template",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) => {
            const content = { ...unstamped(current), ...changes }
            const summary = change_summary ?? changeSummary(current, content)
            return save(content, { mode: "update", if_match: current.revision }, summary)
          }
        })
        return yield* answerOne(accepted.value as Template, accepted.index)
      }),
      remove: Effect.fn("templates.remove")(function* ({ headers, params, query }) {
        const version = yield* lastVersion(query.change_summary ?? "deleted")
        const if_match = ifMatchRevision(headers["if-match"])
        yield* submit({ _tag: "DeleteTemplate", id: params.id, if_match, ...version })
      }),
      versions: ({ params, query }) => answerVersions("template", params.id, query),
      version: ({ params }) => answerVersion("template", params.id, params.version),
      diff: ({ params, query }) => answerDiff("template", params.id, query),
      rollback: Effect.fn("templates.rollback")(function* ({ headers, params, payload }) {
        const accepted = yield* rollBack("template", params.id, payload, headers, (content, place, summary) =>
          save(content, place, summary, payload.version)
        )
        return yield* answerOne(accepted.value as Template, accepted.index)
      })
    })
  })
)
