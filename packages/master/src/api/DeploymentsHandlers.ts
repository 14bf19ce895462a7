import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { installation } from "@nxmesh/protocol/model/Access"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { requireAllowed, visibleScopes } from "../auth/AccessChecks.ts"
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
        const within = yield* visibleScopes("config:read")
        return yield* answerPage(query, yield* reads.deployments({ ...listQueryOf(query), within }), index)
      }),
      get: Effect.fn("deployments.get")(function* ({ params }) {
        const index = yield* reads.appliedIndex
        const deployment = yield* reads.deployment(params.id)
        if (deployment === undefined) return yield* Effect.fail(notFound("deployment", params.id))
        const scope = (yield* reads.scopeOfWorkspace(deployment.workspace_id)) ?? installation
        yield* requireAllowed("config:read", scope, { what: "deployment", id: params.id })
        yield* answerHeaders(indexHeader(index))
        return { data: deployment }
      })
    })
  })
)
