/** Upstreams and their versions (CM-002, CM-003). */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { UpstreamId, WorkspaceId } from "../Ids.ts"
import { Upstream, UpstreamCreate, UpstreamPatch } from "../model/Upstream.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, listEndpoint, versionedItemEndpoints } from "./ResourceEndpoints.ts"
import { removalQuery, summarized } from "./Summarized.ts"
import { versionEndpoints } from "./VersionEndpoints.ts"

const schemas = {
  id: UpstreamId,
  resource: Upstream,
  create: summarized(UpstreamCreate, "UpstreamCreateRequest"),
  patch: summarized(UpstreamPatch, "UpstreamPatchRequest"),
  removal: removalQuery,
  query: listQuery(["name", "created_at", "updated_at"], "name", {
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "config:read", write: "config:write", remove: "config:delete" },
  example: {
    workspace_id: exampleId,
    name: "backend",
    algorithm: "least_connections",
    servers: [{ address: "10.0.0.1:8080", weight: 2 }, { address: "10.0.0.2:8080" }]
  }
} as const

export class UpstreamsApi extends HttpApiGroup.make("upstreams")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...versionedItemEndpoints(schemas),
    ...versionEndpoints(schemas.id, schemas.resource, schemas.permissions)
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/upstreams") {}
