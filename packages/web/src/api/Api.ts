/** The master's API as atoms: every type comes from the protocol, and what the live stream says has changed is read anew. */
import { Authentication } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect, Exit, Layer } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { AtomHttpApi } from "effect/reactivity"
import { type Failure, failureOf } from "./Failure.ts"
import { anotherToken, currentToken } from "./Session.ts"

const withToken = (request: HttpClientRequest.HttpClientRequest, token: string | null) =>
  token === null ? request : HttpClientRequest.bearerToken(request, token)

/** Sends the token, and once more with another one when it was refused. */
const layerAuthentication = HttpApiMiddleware.layerClient(Authentication, ({ next, request }) =>
  Effect.gen(function* () {
    const token = yield* currentToken
    const response = yield* next(withToken(request, token))
    if (response.status !== 401) return response
    const other = yield* anotherToken(token)
    return other === null ? response : yield* next(withToken(request, other))
  })
)

const layerClient = Layer.merge(FetchHttpClient.layer, layerAuthentication)
const client = HttpApiClient.make(NxMeshApi).pipe(Effect.provide(layerClient))
export type ApiClient = Effect.Success<typeof client>

/** One call that a person made by a button: its answer, or why not. What it changed comes over the live channel. */
export const call = async <A, E>(
  use: (api: ApiClient) => Effect.Effect<A, E>
): Promise<{ readonly value: A } | { readonly failure: Failure }> => {
  const exit = await Effect.runPromiseExit(Effect.flatMap(client, use))
  return Exit.isSuccess(exit) ? { value: exit.value } : { failure: failureOf(exit.cause) }
}

export class Api extends AtomHttpApi.Service<Api>()("@nxmesh/web/api/Api", {
  api: NxMeshApi,
  httpClient: layerClient
}) {}
