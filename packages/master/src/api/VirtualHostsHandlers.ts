import { hostTextProblems } from "@nxmesh/core/nginx/Forbidden"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { VirtualHostId } from "@nxmesh/protocol/Ids"
import { type VirtualHost, virtualHostProblems } from "@nxmesh/protocol/model/VirtualHost"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ConfigEngine } from "../config/ConfigEngine.ts"
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

/** Refuses what the schema alone cannot see. References and clashes are checked where the host is saved. */
const checked = Effect.fnUntraced(function* (content: ContentOf<"virtual_host">) {
  const problems = [...virtualHostProblems(content), ...hostTextProblems(content)]
  if (problems.length > 0) return yield* Effect.fail(invalid(problems))
  const unrendered = yield* (yield* ConfigEngine).hostProblems({ ...content, ...neutralStamps })
  return unrendered.length > 0 ? yield* Effect.fail(invalid(unrendered)) : content
})

const save = Effect.fnUntraced(function* (
  content: ContentOf<"virtual_host">,
  place: { readonly mode: "create" | "update"; readonly if_match: number | null },
  summary: string,
  rollbackOf: number | null = null
) {
  const virtual_host = yield* checked(content)
  return { _tag: "SaveVirtualHost" as const, ...place, ...(yield* newVersion(summary, rollbackOf)), virtual_host }
})

export const layerVirtualHosts = HttpApiBuilder.group(
  NxMeshApi,
  "virtualHosts",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("virtualHosts.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, yield* reads.list("virtual_host", listQueryOf(query)), index)
      }),
      create: Effect.fn("virtualHosts.create")(function* ({ headers, payload }) {
        const { change_summary, ...content } = payload
        const id = yield* newId(VirtualHostId)
        const accepted = yield* submit(
          yield* save({ id, ...content }, { mode: "create", if_match: null }, change_summary ?? "created"),
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "virtual-hosts", payload })
        )
        return yield* answerCreated(accepted.value as VirtualHost, accepted.index, "virtual-hosts")
      }),
      get: Effect.fn("virtualHosts.get")(function* ({ headers, params }) {
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(yield* existing("virtual_host", params.id), index, headers["if-none-match"])
      }),
      change: Effect.fn("virtualHosts.change")(function* ({ headers, params, payload }) {
        const { change_summary, ...changes } = payload
        const accepted = yield* changeResource({
          kind: "virtual_host",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) => {
            const content = { ...unstamped(current), ...changes }
            const summary = change_summary ?? changeSummary(current, content)
            return save(content, { mode: "update", if_match: current.revision }, summary)
          }
        })
        return yield* answerOne(accepted.value as VirtualHost, accepted.index)
      }),
      remove: Effect.fn("virtualHosts.remove")(function* ({ headers, params, query }) {
        const version = yield* lastVersion(query.change_summary ?? "deleted")
        const if_match = ifMatchRevision(headers["if-match"])
        yield* submit({ _tag: "DeleteVirtualHost", id: params.id, if_match, ...version })
      }),
      versions: ({ params, query }) => answerVersions("virtual_host", params.id, query),
      version: ({ params }) => answerVersion("virtual_host", params.id, params.version),
      diff: ({ params, query }) => answerDiff("virtual_host", params.id, query),
      rollback: Effect.fn("virtualHosts.rollback")(function* ({ headers, params, payload }) {
        const accepted = yield* rollBack("virtual_host", params.id, payload, headers, (content, place, summary) =>
          save(content, place, summary, payload.version)
        )
        return yield* answerOne(accepted.value as VirtualHost, accepted.index)
      })
    })
  })
)
