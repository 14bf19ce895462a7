/** Upstreams and their versions (CM-002, CM-003). */
import { Schema } from "effect"
import { UpstreamId, WorkspaceId } from "../Ids.ts"
import { Upstream, UpstreamCreate, UpstreamPatch } from "../model/Upstream.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { summarized } from "./Summarized.ts"
import { versionedResource } from "./VersionedResource.ts"

export class UpstreamsApi extends versionedResource("upstreams", "/upstreams", {
  id: UpstreamId,
  resource: Upstream,
  create: summarized(UpstreamCreate, "UpstreamCreateRequest"),
  patch: summarized(UpstreamPatch, "UpstreamPatchRequest"),
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
}) {}
