/** Keys that rotate while everything runs. */
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { KeysStatus } from "../model/Keys.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"

const begun = one(KeysStatus).pipe(HttpApiSchema.status(202))

export class KeysApi extends HttpApiGroup.make("keys")
  .add(
    HttpApiEndpoint.get("status", "/", { success: one(KeysStatus), error: ApiErrors }).annotateMerge(
      demands("cluster:read")
    ),
    HttpApiEndpoint.post("rotateEncryption", "/encryption", { success: begun, error: ApiErrors }).annotateMerge(
      demands("cluster:write")
    ),
    HttpApiEndpoint.post("rotateSigning", "/signing", { success: begun, error: ApiErrors }).annotateMerge(
      demands("cluster:write")
    ),
    HttpApiEndpoint.post("rotateAgents", "/agents", { success: begun, error: ApiErrors }).annotateMerge(
      demands("cluster:write")
    )
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/cluster/keys") {}
