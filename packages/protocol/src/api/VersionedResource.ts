/** The group of a versioned kind (CM-003): the endpoints of every resource, those of its versions, and why it changed. */
import type { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { preflightQuery } from "./Preflight.ts"
import { idempotencyKey, ifMatch } from "./Requests.ts"
import { createdHeaders, getEndpoint, type ItemSchemas, listEndpoint, oneHeaders } from "./ResourceEndpoints.ts"
import { removalQuery } from "./Summarized.ts"
import { versionEndpoints } from "./VersionEndpoints.ts"

export const versionedResource = <
  const Name extends string,
  Id extends Schema.Top,
  Resource extends Schema.Top,
  Create extends Schema.Top,
  Patch extends Schema.Top,
  Query extends Schema.Top
>(
  name: Name,
  prefix: `/${string}`,
  schemas: ItemSchemas<Id, Resource, Patch> & {
    readonly create: Create
    readonly query: Query
    readonly example: unknown
  }
) =>
  HttpApiGroup.make(name)
    .add(
      listEndpoint(schemas),
      HttpApiEndpoint.post("create", "/", {
        query: preflightQuery,
        headers: idempotencyKey,
        payload: schemas.create,
        success: one(schemas.resource).pipe(HttpApiSchema.status(201)),
        error: ApiErrors
      }).annotateMerge(demands(schemas.permissions.write, { headers: createdHeaders, example: schemas.example })),
      getEndpoint(schemas),
      HttpApiEndpoint.patch("change", "/:id", {
        params: { id: schemas.id },
        query: preflightQuery,
        headers: ifMatch,
        payload: schemas.patch,
        success: one(schemas.resource),
        error: ApiErrors
      }).annotateMerge(demands(schemas.permissions.write, { headers: oneHeaders })),
      HttpApiEndpoint.delete("remove", "/:id", {
        params: { id: schemas.id },
        query: removalQuery,
        headers: ifMatch,
        success: HttpApiSchema.NoContent,
        error: ApiErrors
      }).annotateMerge(demands(schemas.permissions.remove)),
      ...versionEndpoints(schemas.id, schemas.resource, schemas.permissions)
    )
    .middleware(RequestAttribution)
    .middleware(Authentication)
    .prefix(prefix)
