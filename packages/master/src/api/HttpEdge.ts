/**
 * The outermost layer of every request: it bounds it, gives it an id, turns whatever went wrong into the envelope of
 * MF-001, adds the headers that every answer has, logs and measures. Defects answer 500 with the id alone; what
 * happened is in the log under the same id.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { Cause, Clock, Effect, Exit, Option } from "effect"
import type { Types } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { CurrentOrigin, originOf } from "../command/RequestOrigin.ts"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { rateLimitHeaders } from "../network/RateLimitHeaders.ts"
import { requestClass } from "../network/RequestClasses.ts"
import { clientAddressBehind } from "./ClientAddress.ts"
import { makeDoor } from "./Door.ts"
import { freshReads } from "./FreshReads.ts"
import { httpMetrics } from "./HttpMetrics.ts"
import { rejection, refusalResponse } from "./Refusal.ts"
import { httpsBehind } from "./OwnMachine.ts"
import { refusalOf, tooLarge } from "./RefusedRequest.ts"
import { RequestRecord, type RequestRecordShape } from "./RequestRecord.ts"
import { describeRequest, inRequestSpan, withTraceResponse } from "./RequestSpan.ts"
import { securityHeaders } from "./SecurityHeaders.ts"
import type { RouteMatch } from "./RouteTable.ts"

/** Routes that probes ask every few seconds. */
const quiet: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"])

/** Of the others there is something to learn. */
const isTraced = (path: string) => !quiet.has(path)

const pathOf = (url: string) => url.split("?", 1)[0] ?? url

const contentType = ({ body, headers }: HttpServerResponse.HttpServerResponse): string =>
  headers["content-type"] ?? ("contentType" in body ? body.contentType : undefined) ?? ""

/** Answers that the framework made by itself get the envelope too. */
const enveloped = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  if (response.status !== 415 || contentType(response).startsWith("application/json")) return response
  return refusalResponse(rejection("UNSUPPORTED_MEDIA_TYPE", "The body must be application/json"))
}

/** How to authenticate, on every 401 (RFC 9110, 11.6.1); with a token that did not serve, that too (RFC 6750, section 3). */
const challenge = (status: number, authorization: string | undefined): Readonly<Record<string, string>> => {
  if (status !== 401) return {}
  const sent = authorization !== undefined && /^bearer /i.test(authorization)
  return { "www-authenticate": `Bearer realm="nxmesh"${sent ? ', error="invalid_token"' : ""}` }
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly match: RouteMatch
  readonly record: RequestRecordShape
}

const failed = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>, { match, path, record }: Asked) {
  const refusal = refusalOf(cause, match, path)
  if (refusal !== undefined) {
    const allow: Record<string, string> = match._tag === "OtherMethods" ? { allow: match.allowed.join(", ") } : {}
    return refusalResponse(refusal, allow)
  }
  yield* Effect.logError("A request failed unexpectedly", cause).pipe(Effect.annotateLogs({ request_id: record.id }))
  const message = `Something went wrong inside the master; its log tells more under request_id ${record.id}`
  return refusalResponse(rejection("INTERNAL_ERROR", message))
})

const logged = (asked: Asked, status: number, durationMillis: number) => {
  const line = {
    method: asked.method,
    path: asked.match._tag === "None" ? asked.path.slice(0, Limits.api.pathCharactersLogged) : asked.match.template,
    status,
    duration_ms: durationMillis,
    principal: asked.record.principal,
    request_id: asked.record.id,
    remote_address: asked.record.remoteAddress
  }
  const isQuiet = asked.match._tag === "Found" && quiet.has(asked.match.template)
  return isQuiet ? Effect.logDebug("request", line) : Effect.logInfo("request", line)
}

/** Applies to every route of the router. */
export const layerHttpEdge = (find: (method: string, path: string) => RouteMatch) =>
  HttpRouter.middleware(
    Effect.gen(function* () {
      const identifiers = yield* Identifiers
      const metrics = yield* httpMetrics
      const freshen = yield* freshReads
      const { trustedProxies } = yield* Settings
      const clientOf = clientAddressBehind(trustedProxies)
      const door = yield* makeDoor
      const cameByHttps = httpsBehind(trustedProxies)
      return (httpEffect) =>
        Effect.gen(function* () {
          const direct = yield* HttpServerRequest.HttpServerRequest
          const remoteAddress = Option.map(direct.remoteAddress, (peer) =>
            clientOf(peer, direct.headers["x-forwarded-for"])
          )
          const request = direct.modify({ remoteAddress })
          const began = yield* Clock.monotonicTimeNanos
          const path = pathOf(request.url)
          const match = find(request.method, path)
          const template = match._tag === "None" ? path : match.template
          const record: RequestRecordShape = {
            id: yield* identifiers.uuid,
            remoteAddress: Option.getOrNull(remoteAddress),
            requestClass: requestClass({ method: request.method, template, url: request.url }),
            counted: [],
            principal: null
          }
          const asked: Asked = { method: request.method, path, match, record }
          const refused = yield* door(request, record, template)
          const oversized = Number(request.headers["content-length"] ?? 0) > ProtocolLimits.requestBodyBytesMax
          const handled = Effect.gen(function* () {
            const fresh = yield* freshen(request, asked.match)
            if (fresh._tag === "Answer") return fresh.response
            return yield* Effect.provideService(httpEffect, HttpServerRequest.HttpServerRequest, fresh.request)
          })
          const early = refused?.response ?? (oversized ? refusalResponse(tooLarge, { connection: "close" }) : null)
          const exit =
            early === null
              ? yield* handled.pipe(
                  Effect.provideService(RequestRecord, record),
                  Effect.provideService(CurrentOrigin, originOf(record.id, request.headers["user-agent"])),
                  Effect.exit
                )
              : Exit.succeed(early)
          if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return yield* exit
          const response = Exit.isSuccess(exit) ? enveloped(exit.value) : yield* failed(exit.cause, asked)
          const seconds = Number((yield* Clock.monotonicTimeNanos) - began) / 1e9
          const route = asked.match._tag === "None" ? "unmatched" : asked.match.template
          const method = asked.match._tag === "Found" ? asked.method : "other"
          metrics.requests.inc({ method, route, status: String(response.status) })
          metrics.seconds.observe({ method, route }, seconds)
          if (refused?.isLogged !== false) yield* logged(asked, response.status, Math.round(seconds * 1e6) / 1e3)
          yield* describeRequest({ method, route, requestId: record.id })
          return HttpServerResponse.setHeaders(yield* withTraceResponse(response), {
            ...securityHeaders(cameByHttps(direct)),
            ...rateLimitHeaders(record.counted),
            ...challenge(response.status, request.headers["authorization"]),
            ...response.headers,
            "x-request-id": record.id
          })
        }).pipe((handling) => inRequestSpan(handling, isTraced)) as Effect.Effect<
          HttpServerResponse.HttpServerResponse,
          Types.unhandled,
          HttpServerRequest.HttpServerRequest
        >
    }),
    { global: true }
  )
