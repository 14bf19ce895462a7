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
import type { Location, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { plainHost, plainLocation, plainStamps, plainUpstream } from "../../../../test/support/Resources.ts"
import type { AgentTarget } from "../../src/targeting/Targets.ts"

/** A UUID of its own for every pair of a kind and a number. */
export const uuid = (kind: number, number: number): string =>
  `${kind.toString(16).padStart(8, "0")}-0000-7000-8000-${number.toString(16).padStart(12, "0")}`

export const organization = (number: number) => OrganizationId.make(uuid(1, number))
export const workspace = (number: number) => WorkspaceId.make(uuid(2, number))
export const agentId = (number: number) => AgentId.make(uuid(3, number))
export const hostId = (number: number) => VirtualHostId.make(uuid(4, number))

export const agent = (number: number, fields: Partial<AgentTarget> = {}): AgentTarget => ({
  id: agentId(number),
  workspace_id: workspace(1),
  organization_id: organization(1),
  labels: {},
  ...fields
})

export const location = (fields: Partial<Location> = {}): Location => ({
  ...plainLocation,
  return: { status: 200, text: "ok" },
  ...fields
})

export const host = (number: number, fields: Partial<VirtualHost> = {}): VirtualHost => ({
  ...plainHost,
  id: hostId(number),
  workspace_id: workspace(1),
  name: `host-${number}`,
  server_name: `site-${number}.example.com`,
  locations: [location()],
  ...fields
})

export const labelled = (labels: Record<string, string>): AgentSelector => ({ scope: "labels", match_labels: labels })
export const only = (...numbers: readonly [number, ...Array<number>]): AgentSelector => {
  const [first, ...rest] = numbers
  return { scope: "agents", agent_ids: [agentId(first), ...rest.map(agentId)] }
}

export const upstreamId = (number: number) => UpstreamId.make(uuid(5, number))
export const upstream = (number: number, fields: Partial<Upstream> = {}): Upstream => ({
  ...plainUpstream,
  id: upstreamId(number),
  workspace_id: workspace(1),
  name: `upstream-${number}`,
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
  issued_at: plainStamps.created_at,
  expires_at: plainStamps.created_at,
  auto_renew: false,
  certificate_pem: `certificate ${number}`,
  fingerprint_sha256: Sha256.make("0".repeat(64)),
  private_key: { key_id: "k", wrapped_key: "", nonce: "", ciphertext: "" },
  secret_version_id: SecretVersionId.make(uuid(7, number)),
  ...plainStamps,
  ...fields
})

export const templateId = (number: number) => TemplateId.make(uuid(8, number))
export const template = (number: number, fields: Partial<Template> = {}): Template => ({
  id: templateId(number),
  workspace_id: workspace(1),
  name: `template-${number}`,
  description: "",
  source: "server {}\n",
  ...plainStamps,
  ...fields
})
