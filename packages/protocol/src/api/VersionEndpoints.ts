/** The endpoints that every versioned kind has (CM-003). */
import type { Schema } from "effect"
import { HttpApiEndpoint } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { ConfigVersion, RollbackRequest, VersionDiff } from "../model/ConfigVersion.ts"
import type { Permission } from "../model/Permission.ts"
import { demands } from "./Authentication.ts"
import { one, page } from "./Envelope.ts"
import { pageQuery } from "./ListQuery.ts"
import { preflightQuery } from "./Preflight.ts"
import { idempotencyKey, ifMatch, VersionNumber } from "./Requests.ts"

/** List, get, roll back and compare the versions of a resource, newest first. */
export const versionEndpoints = <Id extends Schema.Top, Resource extends Schema.Top>(
  id: Id,
  resource: Resource,
  permissions: { readonly read: Permission; readonly write: Permission }
) =>
  [
    HttpApiEndpoint.get("versions", "/:id/versions", {
      params: { id },
      query: pageQuery,
      success: page(ConfigVersion),
      error: ApiErrors
    }).annotateMerge(demands(permissions.read)),
    HttpApiEndpoint.get("version", "/:id/versions/:version", {
      params: { id, version: VersionNumber },
      success: one(ConfigVersion),
      error: ApiErrors
    }).annotateMerge(demands(permissions.read)),
    HttpApiEndpoint.post("rollback", "/:id/rollback", {
      params: { id },
      query: preflightQuery,
      headers: { ...ifMatch, ...idempotencyKey },
      payload: RollbackRequest,
      success: one(resource),
      error: ApiErrors
    }).annotateMerge(demands(permissions.write)),
    HttpApiEndpoint.get("diff", "/:id/diff", {
      params: { id },
      query: { from: VersionNumber, to: VersionNumber },
      success: one(VersionDiff),
      error: ApiErrors
    }).annotateMerge(demands(permissions.read))
  ] as const
