/** By what each kind's list may be sorted and filtered: an allow-list, because these names become part of a statement. */
import type { Kind } from "./Kinds.ts"

export interface ListQuery {
  /** From 1. */
  readonly page: number
  readonly perPage: number
  readonly sort: string
  readonly descending: boolean
  /** By equality. An agent's `labels` is `key=value`, several separated by commas. */
  readonly filters: Readonly<Record<string, string>>
}

export interface Listing {
  readonly sort: ReadonlyArray<string>
  readonly filter: ReadonlyArray<string>
}

const stamps = ["created_at", "updated_at"]

export const listable: { readonly [K in Kind | "deployment" | "audit"]: Listing } = {
  organization: { sort: ["name", "slug", ...stamps], filter: ["name", "slug"] },
  workspace: { sort: ["name", "slug", ...stamps], filter: ["organization_id", "name", "slug"] },
  agent: { sort: ["name", ...stamps], filter: ["workspace_id", "name", "labels"] },
  virtual_host: {
    sort: ["name", "server_name", "listen_port", ...stamps],
    filter: ["workspace_id", "name", "server_name", "ssl_certificate_id", "template"]
  },
  upstream: { sort: ["name", ...stamps], filter: ["workspace_id", "name"] },
  certificate: { sort: ["name", "domain", "expires_at", ...stamps], filter: ["workspace_id", "name", "domain"] },
  template: { sort: ["name", ...stamps], filter: ["workspace_id", "name"] },
  role: { sort: ["name", ...stamps], filter: ["organization_id", "name"] },
  group: { sort: ["name", ...stamps], filter: ["organization_id", "name"] },
  role_binding: { sort: stamps, filter: ["organization_id", "workspace_id", "subject_kind", "subject_id", "role"] },
  user: { sort: ["email", "name", "role", ...stamps], filter: ["email", "role"] },
  service_account: { sort: ["name", ...stamps], filter: ["organization_id", "name"] },
  alert_rule: { sort: ["name", ...stamps], filter: ["organization_id", "workspace_id", "name", "kind", "enabled"] },
  alert_silence: { sort: ["ends_at", ...stamps], filter: ["organization_id", "workspace_id"] },
  webhook: { sort: ["name", ...stamps], filter: ["organization_id", "workspace_id", "name", "enabled"] },
  master: { sort: ["name", ...stamps], filter: ["name"] },
  deployment: {
    sort: ["started_at", "finished_at"],
    filter: ["workspace_id", "agent_id", "status", "generation"]
  },
  audit: { sort: ["entry"], filter: ["principal", "kind", "resource_id", "command"] }
}
