/** By what each kind's list may be sorted and filtered: an allow-list, because these names become part of a statement. */
import type { Visible } from "@nxmesh/protocol/model/Access"
import type { Kind } from "./Kinds.ts"

export interface ListQuery {
  /** From 1. */
  readonly page: number
  readonly perPage: number
  readonly sort: string
  readonly descending: boolean
  /** By equality. An agent's `labels` is `key=value`, several separated by commas. */
  readonly filters: Readonly<Record<string, string>>
  /** What may be seen: the rest is neither answered nor counted. Absent: everything, for the master itself. */
  readonly within?: Visible
}

export interface Listing {
  readonly sort: ReadonlyArray<string>
  readonly filter: ReadonlyArray<string>
  /** By which columns rows belong to organizations and workspaces. Absent: they are the installation's. */
  readonly place?: Place
}

/**
 * `workspace`: the row's workspace_id. `organization`: its organization_id. `either`: both, of which the former may be none.
 * `itself`: the row is the workspace, or the organization. `data`: an organization_id that has no column.
 */
export type Place = "workspace" | "organization" | "either" | "itself_workspace" | "itself_organization" | "data"

const stamps = ["created_at", "updated_at"]

export const listable: { readonly [K in Kind | "deployment" | "audit"]: Listing } = {
  organization: { sort: ["name", "slug", ...stamps], filter: ["name", "slug"], place: "itself_organization" },
  workspace: {
    sort: ["name", "slug", ...stamps],
    filter: ["organization_id", "name", "slug"],
    place: "itself_workspace"
  },
  agent: { sort: ["name", ...stamps], filter: ["workspace_id", "name", "labels"], place: "workspace" },
  virtual_host: {
    sort: ["name", "server_name", "listen_port", ...stamps],
    filter: ["workspace_id", "name", "server_name", "ssl_certificate_id", "template"],
    place: "workspace"
  },
  upstream: { sort: ["name", ...stamps], filter: ["workspace_id", "name"], place: "workspace" },
  certificate: {
    sort: ["name", "domain", "expires_at", ...stamps],
    filter: ["workspace_id", "name", "domain"],
    place: "workspace"
  },
  template: { sort: ["name", ...stamps], filter: ["workspace_id", "name"], place: "workspace" },
  role: { sort: ["name", ...stamps], filter: ["organization_id", "name"], place: "organization" },
  group: { sort: ["name", ...stamps], filter: ["organization_id", "name"], place: "organization" },
  role_binding: {
    sort: stamps,
    filter: ["organization_id", "workspace_id", "subject_kind", "subject_id", "role"],
    place: "either"
  },
  user: { sort: ["email", "name", "role", ...stamps], filter: ["email", "role"], place: "data" },
  service_account: { sort: ["name", ...stamps], filter: ["organization_id", "name"], place: "organization" },
  alert_rule: {
    sort: ["name", ...stamps],
    filter: ["organization_id", "workspace_id", "name", "kind", "enabled"],
    place: "either"
  },
  alert_silence: { sort: ["ends_at", ...stamps], filter: ["organization_id", "workspace_id"], place: "either" },
  webhook: {
    sort: ["name", ...stamps],
    filter: ["organization_id", "workspace_id", "name", "enabled"],
    place: "either"
  },
  master: { sort: ["name", ...stamps], filter: ["name"] },
  deployment: {
    sort: ["started_at", "finished_at"],
    filter: ["workspace_id", "agent_id", "status", "generation"],
    place: "workspace"
  },
  audit: { sort: ["entry"], filter: ["principal", "kind", "resource_id", "command"] }
}
