import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { UpstreamId } from "@nxmesh/protocol/Ids"
import { type Upstream, upstreamProblems } from "@nxmesh/protocol/model/Upstream"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ContentOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { changeResource, existing } from "./Change.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { lastVersion, newId, newVersion } from "./NewIds.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { invalid, refuse } from "./Refusal.ts"
import { rollBack } from "./Rollback.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"
import { answerDiff, answerVersion, answerVersions } from "./VersionHandlers.ts"

/** Refuses what the schema alone cannot see. */
const checked = Effect.fnUntraced(function* (content: ContentOf<"upstream">) {
  if (content.health_check !== null) {
    return yield* Effect.fail(
      refuse("UNPROCESSABLE", "Agents do not probe upstreams yet", [
        { field: "health_check", message: "must be null until agents probe upstreams" }
      ])
    )
  }
  const problems = upstreamProblems(content)
  return problems.length > 0 ? yield* Effect.fail(invalid(problems)) : content
})

const save = Effect.fnUntraced(function* (
  content: ContentOf<"upstream">,
  place: { readonly mode: "create" | "update"; readonly if_match: number | null },
  summary: string,
  rollbackOf: number | null = null
) {
  const upstream = yield* checked(content)
  return { _tag: "SaveUpstream" as const, ...place, ...(yield* newVersion(summary, rollbackOf)), upstream }
})

export const layerUpstreams = HttpApiBuilder.group(
  NxMeshApi,
  "upstreams",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("upstreams.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, yield* reads.list("upstream", listQueryOf(query)), index)
      }),
      create: Effect.fn("upstreams.create")(function* ({ headers, payload }) {
        const { change_summary, ...content } = payload
        const id = yield* newId(UpstreamId)
        const accepted = yield* submit(
          yield* save({ id, ...content }, { mode: "create", if_match: null }, change_summary ?? "created"),
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "upstreams", payload })
        )
        return yield* answerCreated(accepted.value as Upstream, accepted.index, "upstreams")
      }),
      get: Effect.fn("upstreams.get")(function* ({ headers, params }) {
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(yield* existing("upstream", params.id), index, headers["if-none-match"])
      }),
      change: Effect.fn("upstreams.change")(function* ({ headers, params, payload }) {
        const { change_summary, ...changes } = payload
        const accepted = yield* changeResource({
          kind: "upstream",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) => {
            const content = { ...unstamped(current), ...changes }
            const summary = change_summary ?? changeSummary(current, content)
            return save(content, { mode: "update", if_match: current.revision }, summary)
          }
        })
        return yield* answerOne(accepted.value as Upstream, accepted.index)
      }),
      remove: Effect.fn("upstreams.remove")(function* ({ headers, params, query }) {
        const version = yield* lastVersion(query.change_summary ?? "deleted")
        const if_match = ifMatchRevision(headers["if-match"])
        yield* submit({ _tag: "DeleteUpstream", id: params.id, if_match, ...version })
      }),
      versions: ({ params, query }) => answerVersions("upstream", params.id, query),
      version: ({ params }) => answerVersion("upstream", params.id, params.version),
      diff: ({ params, query }) => answerDiff("upstream", params.id, query),
      rollback: Effect.fn("upstreams.rollback")(function* ({ headers, params, payload }) {
        const accepted = yield* rollBack("upstream", params.id, payload, headers, (content, place, summary) =>
          save(content, place, summary, payload.version)
        )
        return yield* answerOne(accepted.value as Upstream, accepted.index)
      })
    })
  })
)
