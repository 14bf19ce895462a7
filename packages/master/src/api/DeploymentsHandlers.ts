import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Reads } from "../state/Reads.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { notFound } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"

export const layerDeployments = HttpApiBuilder.group(
  NxMeshApi,
  "deployments",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("deployments.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, yield* reads.deployments(listQueryOf(query)), index)
      }),
      get: Effect.fn("deployments.get")(function* ({ params }) {
        const index = yield* reads.appliedIndex
        const deployment = yield* reads.deployment(params.id)
        if (deployment === undefined) return yield* Effect.fail(notFound("deployment", params.id))
        yield* answerHeaders(indexHeader(index))
        return { data: deployment }
      })
    })
  })
)
