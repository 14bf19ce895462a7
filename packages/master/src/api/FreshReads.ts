/** Brings the state here up to date before a request is handled, as far as the request wishes (Consistency.ts). */
import { Effect } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { ReadBarrier, type ReadRefused } from "../command/ReadBarrier.ts"
import { Limits } from "../Limits.ts"
import { type Freshness, readRequest } from "./Consistency.ts"
import { refusalResponse, rejection } from "./Refusal.ts"
import type { RouteMatch } from "./RouteTable.ts"

/** The state is asked behind these. Logging in decides by itself what to do without a quorum. */
const readsState = (match: RouteMatch): boolean =>
  match._tag === "Found" && match.template.startsWith("/api/v1/") && !exempt.has(match.template)

const exempt: ReadonlySet<string> = new Set(["/api/v1/openapi.json", "/api/v1/auth/login"])

const refused = ({ message, reason }: ReadRefused): HttpServerResponse.HttpServerResponse =>
  reason === "BeyondLog"
    ? refusalResponse(rejection("VALIDATION_ERROR", "The query is not valid", [{ field: "min_index", message }]))
    : refusalResponse(rejection("UNAVAILABLE", message), { "retry-after": String(Limits.api.retryAfterSeconds) })

export type Fresh =
  | { readonly _tag: "Handle"; readonly request: HttpServerRequest.HttpServerRequest }
  | { readonly _tag: "Answer"; readonly response: HttpServerResponse.HttpServerResponse }

export const freshReads = Effect.map(ReadBarrier, ({ atLeast, linearizable }) => {
  const wait = ({ consistency, minIndex }: Freshness): Effect.Effect<void, ReadRefused> =>
    (consistency === "stale" ? Effect.void : linearizable).pipe(
      Effect.andThen(minIndex === 0 ? Effect.void : atLeast(minIndex))
    )
  return (request: HttpServerRequest.HttpServerRequest, match: RouteMatch): Effect.Effect<Fresh> => {
    if (!readsState(match)) return Effect.succeed({ _tag: "Handle", request })
    const asked = readRequest(request.method, request.url)
    if (asked._tag === "Refused") return Effect.succeed({ _tag: "Answer", response: refusalResponse(asked.rejection) })
    return wait(asked.freshness).pipe(
      Effect.match({
        onFailure: (error): Fresh => ({ _tag: "Answer", response: refused(error) }),
        onSuccess: (): Fresh => ({ _tag: "Handle", request: request.modify({ url: asked.url }) })
      })
    )
  }
})
