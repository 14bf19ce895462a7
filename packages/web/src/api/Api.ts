/** The master's API as atoms: every type comes from the protocol, and what the live stream says has changed is read anew. */
import { Authentication } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiMiddleware } from "effect/http-api"
import { AtomHttpApi } from "effect/reactivity"
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

export class Api extends AtomHttpApi.Service<Api>()("@nxmesh/web/api/Api", {
  api: NxMeshApi,
  httpClient: Layer.merge(FetchHttpClient.layer, layerAuthentication)
}) {}
