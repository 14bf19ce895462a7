/** Virtual hosts and their versions (CM-001, CM-003). */
import { Schema } from "effect"
import { HttpApiGroup } from "effect/http-api"
import { VirtualHostId, WorkspaceId } from "../Ids.ts"
import { VirtualHost, VirtualHostCreate, VirtualHostPatch } from "../model/VirtualHost.ts"
import { Authentication, RequestAttribution } from "./Authentication.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { createEndpoint, listEndpoint, versionedItemEndpoints } from "./ResourceEndpoints.ts"
import { removalQuery, summarized } from "./Summarized.ts"
import { versionEndpoints } from "./VersionEndpoints.ts"

const schemas = {
  id: VirtualHostId,
  resource: VirtualHost,
  create: summarized(VirtualHostCreate, "VirtualHostCreateRequest"),
  patch: summarized(VirtualHostPatch, "VirtualHostPatchRequest"),
  removal: removalQuery,
  query: listQuery(["name", "server_name", "created_at", "updated_at"], "name", {
    workspace_id: Schema.optionalKey(WorkspaceId),
    name: Schema.optionalKey(filterText),
    server_name: Schema.optionalKey(filterText)
  }),
  permissions: { read: "config:read", write: "config:write", remove: "config:delete" },
  example: {
    workspace_id: exampleId,
    name: "shop",
    server_name: "shop.example.com",
    listen_port: 80,
    locations: [{ path: "/", proxy_pass: "http://127.0.0.1:9000" }]
  }
} as const

export class VirtualHostsApi extends HttpApiGroup.make("virtualHosts")
  .add(
    listEndpoint(schemas),
    createEndpoint(schemas),
    ...versionedItemEndpoints(schemas),
    ...versionEndpoints(schemas.id, schemas.resource, schemas.permissions)
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/virtual-hosts") {}
