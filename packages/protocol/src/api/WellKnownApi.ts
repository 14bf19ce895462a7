/** The keys that access tokens are signed with (RFC 7517), for whoever verifies them elsewhere. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { demands } from "./Authentication.ts"

export const JsonWebKeySet = Schema.Struct({
  keys: Schema.Array(Schema.Record(Schema.String, Schema.Unknown))
}).annotate({ identifier: "JsonWebKeySet" })
export type JsonWebKeySet = typeof JsonWebKeySet.Type

export class WellKnownApi extends HttpApiGroup.make("wellKnown")
  .add(
    HttpApiEndpoint.get("jwks", "/jwks.json", { success: JsonWebKeySet, error: ApiErrors }).annotateMerge(demands(null))
  )
  .prefix("/.well-known") {}
