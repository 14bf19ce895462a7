/** The kinds of resource that the state keeps, and the columns by which each is found, sorted and kept unique. */
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import type { AlertSilence } from "@nxmesh/protocol/model/AlertSilence"
import type { StoredCertificate } from "@nxmesh/protocol/model/Certificate"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import type { Group } from "@nxmesh/protocol/model/Group"
import type { Organization, Workspace } from "@nxmesh/protocol/model/Organization"
import type { CustomRole } from "@nxmesh/protocol/model/Role"
import type { RoleBinding } from "@nxmesh/protocol/model/RoleBinding"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { ServiceAccount } from "@nxmesh/protocol/model/ServiceAccount"
import type { StoredUser } from "@nxmesh/protocol/model/User"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { StoredWebhook } from "@nxmesh/protocol/model/Webhook"
import type { SqlValue } from "./Connection.ts"

interface Stored {
  readonly organization: Organization
  readonly workspace: Workspace
  readonly agent: StoredAgent
  readonly virtual_host: VirtualHost
  readonly upstream: Upstream
  readonly certificate: StoredCertificate
  readonly template: Template
  readonly user: StoredUser
  readonly role: CustomRole
  readonly group: Group
  readonly role_binding: RoleBinding
  readonly service_account: ServiceAccount
  readonly alert_rule: AlertRule
  readonly alert_silence: AlertSilence
  readonly webhook: StoredWebhook
  readonly master: StoredMaster
}

export type Kind = keyof Stored
export type ResourceOf<K extends Kind> = Stored[K]

/** What a command carries: the resource without what apply stamps. */
export type ContentOf<K extends Kind> = Omit<Stored[K], "created_at" | "updated_at" | "revision">

interface Table<K extends Kind> {
  readonly table: string
  /** Columns beside id, the stamps and the whole resource as JSON. */
  readonly columns: Readonly<Record<string, (resource: Stored[K]) => SqlValue>>
}

export const tables: { readonly [K in Kind]: Table<K> } = {
  organization: { table: "organizations", columns: { name: (r) => r.name, slug: (r) => r.slug } },
  workspace: {
    table: "workspaces",
    columns: { organization_id: (r) => r.organization_id, name: (r) => r.name, slug: (r) => r.slug }
  },
  agent: {
    table: "agents",
    columns: {
      workspace_id: (r) => r.workspace_id,
      name: (r) => r.name,
      maintenance: (r) => Number(r.maintenance),
      enrolled_at: (r) => r.enrolled_at
    }
  },
  virtual_host: {
    table: "virtual_hosts",
    columns: {
      workspace_id: (r) => r.workspace_id,
      name: (r) => r.name,
      server_name: (r) => r.server_name,
      listen_port: (r) => r.listen_port,
      enabled: (r) => Number(r.enabled),
      ssl_enabled: (r) => Number(r.ssl_enabled),
      ssl_certificate_id: (r) => r.ssl_certificate_id,
      template: (r) => r.template
    }
  },
  upstream: {
    table: "upstreams",
    columns: { workspace_id: (r) => r.workspace_id, name: (r) => r.name, algorithm: (r) => r.algorithm }
  },
  certificate: {
    table: "certificates",
    columns: {
      workspace_id: (r) => r.workspace_id,
      name: (r) => r.name,
      domain: (r) => r.domain,
      provider: (r) => r.provider,
      expires_at: (r) => r.expires_at
    }
  },
  template: { table: "templates", columns: { workspace_id: (r) => r.workspace_id, name: (r) => r.name } },
  user: {
    table: "users",
    columns: {
      email: (r) => r.email,
      name: (r) => r.name,
      role: (r) => r.role ?? "",
      disabled: (r) => Number(r.disabled)
    }
  },
  role: { table: "roles", columns: { organization_id: (r) => r.organization_id ?? "", name: (r) => r.name } },
  group: { table: "user_groups", columns: { organization_id: (r) => r.organization_id ?? "", name: (r) => r.name } },
  role_binding: {
    table: "role_bindings",
    columns: {
      subject_kind: (r) => r.subject.kind,
      subject_id: (r) => r.subject.id,
      role: (r) => r.role,
      organization_id: (r) => r.organization_id ?? "",
      workspace_id: (r) => r.workspace_id ?? "",
      provider: (r) => r.identity_provider_id ?? ""
    }
  },
  service_account: {
    table: "service_accounts",
    columns: { home: (r) => r.organization_id ?? "", organization_id: (r) => r.organization_id, name: (r) => r.name }
  },
  alert_rule: {
    table: "alert_rules",
    columns: {
      organization_id: (r) => r.organization_id,
      workspace_id: (r) => r.workspace_id,
      name: (r) => r.name,
      kind: (r) => r.condition.kind,
      enabled: (r) => Number(r.enabled)
    }
  },
  alert_silence: {
    table: "alert_silences",
    columns: {
      organization_id: (r) => r.organization_id,
      workspace_id: (r) => r.workspace_id,
      ends_at: (r) => r.ends_at
    }
  },
  webhook: {
    table: "webhooks",
    columns: {
      organization_id: (r) => r.organization_id,
      workspace_id: (r) => r.workspace_id,
      name: (r) => r.name,
      enabled: (r) => Number(r.enabled)
    }
  },
  master: {
    table: "masters",
    columns: {
      name: (r) => r.name,
      peer_address: (r) => r.peer_address,
      agent_address: (r) => r.agent_address,
      http_address: (r) => r.http_address,
      voter: (r) => Number(r.voter)
    }
  }
}
