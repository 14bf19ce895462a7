/** Virtual hosts and their versions (CM-001, CM-003). */
import { Schema } from "effect"
import { VirtualHostId, WorkspaceId } from "../Ids.ts"
import { VirtualHost, VirtualHostCreate, VirtualHostPatch } from "../model/VirtualHost.ts"
import { filterText, listQuery } from "./ListQuery.ts"
import { exampleId } from "./Requests.ts"
import { summarized } from "./Summarized.ts"
import { versionedResource } from "./VersionedResource.ts"

export class VirtualHostsApi extends versionedResource("virtualHosts", "/virtual-hosts", {
  id: VirtualHostId,
  resource: VirtualHost,
  create: summarized(VirtualHostCreate, "VirtualHostCreateRequest"),
  patch: summarized(VirtualHostPatch, "VirtualHostPatchRequest"),
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
}) {}
