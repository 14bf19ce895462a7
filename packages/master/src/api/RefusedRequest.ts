/** What to answer when a request did not become a response: the decision, pure. */
import { schemaDetails } from "@nxmesh/protocol/api/SchemaDetails"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import { Cause } from "effect"
import { HttpServerError } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { rejection } from "./Refusal.ts"
import type { RouteMatch } from "./RouteTable.ts"

export const tooLarge: Rejection = rejection(
  "PAYLOAD_TOO_LARGE",
  `The body must have at most ${ProtocolLimits.requestBodyBytesMax} bytes`
)

const whereOf: Readonly<Record<HttpApiError.HttpApiSchemaError["kind"], string>> = {
  Params: "The path is not valid",
  Headers: "A header is not valid",
  Query: "The query is not valid",
  Payload: "The body is not valid",
  Body: "The answer is not valid",
  ResponseHeaders: "The answer is not valid"
}

const schemaRejection = ({ cause, kind }: HttpApiError.HttpApiSchemaError): Rejection | undefined => {
  if (kind === "Body" || kind === "ResponseHeaders") return undefined
  if (kind === "Payload" && cause.issue._tag === "InvalidValue") {
    return rejection("MALFORMED_REQUEST", "The body is not valid JSON")
  }
  return rejection("VALIDATION_ERROR", whereOf[kind], schemaDetails(cause))
}

const routeRejection = (match: RouteMatch, path: string): Rejection =>
  match._tag === "OtherMethods"
    ? rejection("METHOD_NOT_ALLOWED", `${match.template} answers ${match.allowed.join(", ")}`)
    : rejection("NOT_FOUND", `There is nothing at ${path}`)

const serverRejection = (
  error: HttpServerError.HttpServerError,
  match: RouteMatch,
  path: string
): Rejection | undefined => {
  if (error.reason._tag === "RouteNotFound") return routeRejection(match, path)
  if (error.reason._tag !== "RequestParseError") return undefined
  return error.reason.reason === "BodyTooLarge"
    ? tooLarge
    : rejection("MALFORMED_REQUEST", "The request could not be read")
}

/** The refusal that belongs to a failure, or `undefined` when nobody expected it. */
export const refusalOf = (cause: Cause.Cause<unknown>, match: RouteMatch, path: string): Rejection | undefined => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
    if (HttpApiError.HttpApiSchemaError.is(error)) return schemaRejection(error)
    if (HttpServerError.isHttpServerError(error)) return serverRejection(error, match, path)
  }
  return undefined
}
