/** Small worlds for the tests of config: hosts, agents and tenants by short names. */
import {
  AgentId,
  CertificateId,
  OrganizationId,
  SecretVersionId,
  Sha256,
  TemplateId,
  UpstreamId,
  VirtualHostId,
  WorkspaceId
} from "@nxmesh/protocol/Ids"
import type { AgentSelector } from "@nxmesh/protocol/model/AgentSelector"
import type { StoredCertificate } from "@nxmesh/protocol/model/Certificate"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import { type Location, proxySettingsDefault, type VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { AgentTarget } from "../../src/targeting/Targets.ts"

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

export const upstreamId = (number: number) => UpstreamId.make(uuid(5, number))
export const upstream = (number: number, fields: Partial<Upstream> = {}): Upstream => ({
  id: upstreamId(number),
  workspace_id: workspace(1),
  name: `upstream-${number}`,
  algorithm: "round_robin",
  servers: [{ address: "10.0.0.1:8080", weight: 1, backup: false, down: false, max_fails: 1, fail_timeout: 10 }],
  health_check: null,
  keepalive_connections: null,
  keepalive_timeout: null,
  ...stamped,
  ...fields
})

export const certificateId = (number: number) => CertificateId.make(uuid(6, number))
export const certificate = (number: number, fields: Partial<StoredCertificate> = {}): StoredCertificate => ({
  id: certificateId(number),
  workspace_id: workspace(1),
  name: `certificate-${number}`,
  domain: "example.com",
  subject_alternative_names: ["example.com"],
  is_wildcard: false,
  provider: "custom",
  issued_at: instant,
  expires_at: instant,
  auto_renew: false,
  certificate_pem: `certificate ${number}`,
  fingerprint_sha256: Sha256.make("0".repeat(64)),
  private_key: { key_id: "k", wrapped_key: "", nonce: "", ciphertext: "" },
  secret_version_id: SecretVersionId.make(uuid(7, number)),
  ...stamped,
  ...fields
})

export const templateId = (number: number) => TemplateId.make(uuid(8, number))
export const template = (number: number, fields: Partial<Template> = {}): Template => ({
  id: templateId(number),
  workspace_id: workspace(1),
  name: `template-${number}`,
  description: "",
  source: "server {}\n",
  ...stamped,
  ...fields
})
