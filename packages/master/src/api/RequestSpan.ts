/**
 * The span of a request (OpenTelemetry's conventions for HTTP servers). It continues the caller's trace, when the caller says
 * which, and is named by the route: paths hold ids, and headers secrets.
 */
import { parseTraceparent, traceparentOf } from "@nxmesh/core/observe/Traceparent"
import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

export interface TracedRequest {
  /** The route with its parameters' names, or what stands for no route. */
  readonly route: string
  readonly method: string
  readonly requestId: string
}

/** @param isRecorded false for what probes ask every few seconds */
export const inRequestSpan = <E, R>(
  effect: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>,
  isRecorded: (path: string) => boolean
) =>
  Effect.gen(function* () {
    const { headers, url } = yield* HttpServerRequest.HttpServerRequest
    const parent = parseTraceparent(headers["traceparent"])
    const sampled = isRecorded(url.split("?", 1)[0] ?? url) ? {} : { sampled: false }
    return yield* Effect.withSpan(effect, "http.request", {
      ...(parent === undefined ? { root: true } : { parent }),
      ...sampled,
      kind: "server"
    })
  })

export const describeRequest = ({ method, requestId, route }: TracedRequest): Effect.Effect<void> =>
  Effect.annotateCurrentSpan({
    "http.request.method": method,
    "http.route": route,
    "nxmesh.request_id": requestId
  })

/** Tells the caller where to look: `traceresponse` of W3C's Trace Context, level 2. */
export const withTraceResponse = (
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.gen(function* () {
    yield* Effect.annotateCurrentSpan("http.response.status_code", response.status)
    const span = yield* Effect.option(Effect.currentSpan)
    return Option.isSome(span) && span.value.sampled
      ? HttpServerResponse.setHeader(response, "traceresponse", traceparentOf(span.value))
      : response
  })
