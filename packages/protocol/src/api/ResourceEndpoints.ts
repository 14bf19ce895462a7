/** The endpoints that every resource has: list, create, get, change, delete. */
import type { Schema } from "effect"
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import type { Permission } from "../model/Permission.ts"
import { demands } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { answerHeaders, idempotencyKey, ifMatch, ifNoneMatch } from "./Requests.ts"

const { etag, location, "x-nxmesh-index": index } = answerHeaders
const listHeaders = { "x-nxmesh-index": index }
export const oneHeaders = { etag, "x-nxmesh-index": index }
export const createdHeaders = { ...oneHeaders, location }

export const listEndpoint = <Resource extends Schema.Top, Query extends Schema.Top>(schemas: {
  readonly resource: Resource
  readonly query: Query
  readonly permissions: { readonly read: Permission }
}) =>
  HttpApiEndpoint.get("list", "/", {
    query: schemas.query,
    success: page(schemas.resource),
    error: ApiErrors
  }).annotateMerge(demands(schemas.permissions.read, { headers: listHeaders }))

export const createEndpoint = <Resource extends Schema.Top, Create extends Schema.Top>(schemas: {
  readonly resource: Resource
  readonly create: Create
  readonly permissions: { readonly write: Permission }
  readonly example?: unknown
}) =>
  HttpApiEndpoint.post("create", "/", {
    headers: idempotencyKey,
    payload: schemas.create,
    success: one(schemas.resource).pipe(HttpApiSchema.status(201)),
    error: ApiErrors
  }).annotateMerge(demands(schemas.permissions.write, { headers: createdHeaders, example: schemas.example }))

export interface ItemSchemas<Id extends Schema.Top, Resource extends Schema.Top, Patch extends Schema.Top> {
  readonly id: Id
  readonly resource: Resource
  readonly patch: Patch
  readonly permissions: { readonly read: Permission; readonly write: Permission; readonly remove: Permission }
}

/** Get one resource by its id. */
export const getEndpoint = <Id extends Schema.Top, Resource extends Schema.Top>(schemas: {
  readonly id: Id
  readonly resource: Resource
  readonly permissions: { readonly read: Permission }
}) =>
  HttpApiEndpoint.get("get", "/:id", {
    params: { id: schemas.id },
    headers: ifNoneMatch,
    success: one(schemas.resource),
    error: ApiErrors
  }).annotateMerge(demands(schemas.permissions.read, { headers: oneHeaders }))

/** Get, change and delete one resource by its id. */
export const itemEndpoints = <Id extends Schema.Top, Resource extends Schema.Top, Patch extends Schema.Top>(
  schemas: ItemSchemas<Id, Resource, Patch>
) =>
  [
    getEndpoint(schemas),
    HttpApiEndpoint.patch("change", "/:id", {
      params: { id: schemas.id },
      headers: ifMatch,
      payload: schemas.patch,
      success: one(schemas.resource),
      error: ApiErrors
    }).annotateMerge(demands(schemas.permissions.write, { headers: oneHeaders })),
    HttpApiEndpoint.delete("remove", "/:id", {
      params: { id: schemas.id },
      headers: ifMatch,
      success: HttpApiSchema.NoContent,
      error: ApiErrors
    }).annotateMerge(demands(schemas.permissions.remove))
  ] as const
