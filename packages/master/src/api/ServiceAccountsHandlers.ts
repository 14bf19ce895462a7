import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { ServiceAccountId } from "@nxmesh/protocol/Ids"
import type { ApiKey, ServiceAccountCreate, ServiceAccountPatch } from "@nxmesh/protocol/model/ServiceAccount"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { StoredApiKey } from "../state/ReadServiceAccounts.ts"
import { Reads } from "../state/Reads.ts"
import { issueApiKey } from "./ApiKeys.ts"
import { existing } from "./Change.ts"
import { newId } from "./NewIds.ts"
import { answerPage } from "./Pagination.ts"
import { notFound } from "./Refusal.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"

const accounts = resourceHandlers({
  kind: "service_account",
  group: "serviceAccounts",
  collection: "service-accounts",
  view: (resource) => Effect.succeed(resource),
  create: (payload: ServiceAccountCreate) =>
    Effect.map(newId(ServiceAccountId), (id) => ({
      _tag: "SaveServiceAccount",
      mode: "create",
      if_match: null,
      service_account: { id, ...payload }
    })),
  change: (current, payload: ServiceAccountPatch) =>
    Effect.succeed({
      _tag: "SaveServiceAccount",
      mode: "update",
      if_match: current.revision,
      service_account: { ...unstamped(current), ...payload }
    }),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteServiceAccount", id: params.id, if_match })
})

/** No answer holds the hash. */
const view = ({ secret_hash: _hash, ...key }: StoredApiKey): ApiKey => key

export const layerServiceAccounts = HttpApiBuilder.group(
  NxMeshApi,
  "serviceAccounts",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      ...accounts,
      keys: Effect.fn("serviceAccounts.keys")(function* ({ params, query }) {
        const index = yield* reads.appliedIndex
        yield* existing("service_account", params.id)
        const all = yield* reads.apiKeys(params.id)
        const first = (query.page - 1) * query.per_page
        const items = all.slice(first, first + query.per_page).map(view)
        return yield* answerPage(query, { items, total: all.length }, index)
      }),
      createKey: Effect.fn("serviceAccounts.createKey")(function* ({ headers, params, payload }) {
        yield* existing("service_account", params.id)
        const path = `service-accounts/${params.id}/keys`
        const key = idempotencyOf(headers["idempotency-key"], { method: "POST", path, payload })
        const { index, issued } = yield* issueApiKey(params.id, payload, key)
        yield* answerHeaders({
          location: `/api/v1/${path}/${issued.id}`,
          "cache-control": "no-store",
          ...indexHeader(index)
        })
        return { data: issued }
      }),
      revokeKey: Effect.fn("serviceAccounts.revokeKey")(function* ({ params }) {
        yield* existing("service_account", params.id)
        const key = yield* reads.apiKey(params.key_id)
        if (key?.service_account_id !== params.id) return yield* Effect.fail(notFound("API key", params.key_id))
        yield* submit({ _tag: "RevokeApiKey", id: params.key_id })
      })
    })
  })
)
