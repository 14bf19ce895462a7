/**
 * The edge of what masters ask each other. Everything is bounded: requests at once, the bytes of a body, the time of an
 * answer. Whatever goes wrong is answered with a reason that the caller knows.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { schemaDetails } from "@nxmesh/protocol/api/SchemaDetails"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { peerPath } from "@nxmesh/protocol/peer/PeerApi"
import { PeerRefused, peerRefused, PeerUnavailable, peerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { ByteSize, Cause, Effect, Layer, Schema } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { Limits } from "../Limits.ts"
import { socketOf } from "./PeerSocket.ts"

const { peer: limits } = Limits
const agentsPath = `${peerPath}/agents/`

const encodeRefused = Schema.encodeSync(PeerRefused)
const encodeUnavailable = Schema.encodeSync(PeerUnavailable)

const answerOf = (refusal: PeerRefused | PeerUnavailable): HttpServerResponse.HttpServerResponse =>
  refusal._tag === "PeerRefused"
    ? HttpServerResponse.jsonUnsafe(encodeRefused(refusal), { status: 403 })
    : HttpServerResponse.jsonUnsafe(encodeUnavailable(refusal), { status: 503 })

/** The refusal that belongs to a request that no handler took; `undefined` when nobody expected the failure. */
const refusalOf = (cause: Cause.Cause<unknown>): PeerRefused | undefined => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
    if (HttpApiError.HttpApiSchemaError.is(error) && error.kind !== "Body" && error.kind !== "ResponseHeaders") {
      const fields = schemaDetails(error.cause).map(({ field, message }) => `${field}: ${message}`)
      return peerRefused("malformed", fields.length === 0 ? "the request is not valid" : fields.join("; "))
    }
    if (!HttpServerError.isHttpServerError(error)) continue
    if (error.reason._tag === "RouteNotFound") {
      return peerRefused("malformed", "this master does not know the call: the one that asks may be newer")
    }
    if (error.reason._tag === "RequestParseError") {
      const tooLarge = error.reason.reason === "BodyTooLarge"
      return peerRefused(
        "malformed",
        tooLarge
          ? `a request may have at most ${ProtocolLimits.peerRequestBytesMax} bytes`
          : "the request could not be read"
      )
    }
  }
  return undefined
}

const concurrentMax = { members: limits.requestsConcurrentMax, strangers: limits.strangersConcurrentMax } as const
const busy = peerUnavailable("busy", "too many requests of masters are being served: try again in a moment")
const late = peerUnavailable("outcome_unknown", "the request took too long")

/** Only a message to an agent may take long: it may wait for an nginx. */
const inTime = <A, E, R>(answer: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
    answer.pipe(
      Effect.timeoutOrElse({
        duration: url.startsWith(agentsPath) ? limits.messageTimeout : limits.requestTimeout,
        orElse: () => Effect.succeed(answerOf(late))
      })
    )
  )

/** A handler for a server of node:https that answers by these routes while the scope lasts. */
export const peerHandler = Effect.fnUntraced(function* <A, E, R>(routes: Layer.Layer<A, E, R>) {
  const app = yield* HttpRouter.toHttpEffect(routes.pipe(Layer.provide(NodeHttpServer.layerHttpServices)))
  const lanes = { members: 0, strangers: 0 }
  /** Those who ask to be let in cannot take the room of those who are. */
  const laneOf = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
    socketOf(request)?.authorized === true ? "members" : "strangers"
  )
  const served = Effect.acquireUseRelease(
    Effect.tap(laneOf, (lane) => Effect.sync(() => (lanes[lane] += 1))),
    (lane) =>
      lanes[lane] > concurrentMax[lane]
        ? Effect.succeed(answerOf(busy))
        : app.pipe(
            Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(ProtocolLimits.peerRequestBytesMax)),
            inTime
          ),
    (lane) => Effect.sync(() => void (lanes[lane] -= 1))
  ).pipe(
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
      const refusal = refusalOf(cause)
      if (refusal !== undefined) return Effect.succeed(answerOf(refusal))
      return Effect.logError("A request of another master failed unexpectedly", cause).pipe(
        Effect.as(HttpServerResponse.empty({ status: 500 }))
      )
    })
  )
  const handle = yield* NodeHttpServer.makeHandler(served, { scope: yield* Effect.scope })
  return (request: IncomingMessage, response: ServerResponse): void => handle(request, response)
})
