/** Small worlds for the tests of config: hosts, agents and tenants by short names. */
import { AgentId, OrganizationId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { AgentSelector } from "@nxmesh/protocol/model/AgentSelector"
import { type Location, proxySettingsDefault, type VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { AgentTarget } from "../../src/config/Targets.ts"

/** A UUID of its own for every pair of a kind and a number. */
export const uuid = (kind: number, number: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-7000-8000-${number.toString(16).padStart(12, "0")}`

export const organization = (number: number) => OrganizationId.make(uuid(1, number))
export const workspace = (number: number) => WorkspaceId.make(uuid(2, number))
export const agentId = (number: number) => AgentId.make(uuid(3, number))
export const hostId = (number: number) => VirtualHostId.make(uuid(4, number))

const instant = "2026-03-02T14:30:00.000Z"
export const stamped = { created_at: instant, updated_at: instant, revision: 1 }

export const agent = (number: number, fields: Partial<AgentTarget> = {}): AgentTarget => ({
  id: agentId(number),
  workspace_id: workspace(1),
  organization_id: organization(1),
  labels: {},
  ...fields
})

export const location = (fields: Partial<Location> = {}): Location => ({
  path: "/",
  proxy_pass: null,
  upstream_id: null,
  root: null,
  index: null,
  return: { status: 200, text: "ok" },
  custom_headers: [],
  rewrite_rules: [],
  access_rules: [],
  websocket: false,
  proxy: proxySettingsDefault,
  snippet: null,
  ...fields
})

export const host = (number: number, fields: Partial<VirtualHost> = {}): VirtualHost => ({
  id: hostId(number),
  workspace_id: workspace(1),
  name: `host-${number}`,
  enabled: true,
  server_name: `site-${number}.example.com`,
  listen_port: 80,
  listen_ipv6: false,
  ssl_enabled: false,
  ssl_certificate_id: null,
  tls_policy: "intermediate",
  redirect_http: false,
  http2_enabled: false,
  http3_enabled: false,
  gzip_enabled: false,
  rate_limiting: null,
  client_max_body_kib: null,
  access_rules: [],
  real_ip: null,
  template: "default",
  snippet: null,
  target_agents: { scope: "workspace" },
  locations: [location()],
  ...stamped,
  ...fields
})

export const labelled = (labels: Record<string, string>): AgentSelector => ({ scope: "labels", match_labels: labels })
export const only = (...numbers: readonly [number, ...Array<number>]): AgentSelector => {
  const [first, ...rest] = numbers
  return { scope: "agents", agent_ids: [agentId(first), ...rest.map(agentId)] }
}
