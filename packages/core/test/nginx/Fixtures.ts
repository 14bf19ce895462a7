/** Resources with every field at its plainest, and what a tree is rendered with. */
import {
  CertificateId,
  SecretVersionId,
  TemplateId,
  UpstreamId,
  VirtualHostId,
  WorkspaceId
} from "@nxmesh/protocol/Ids"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { BundleCertificate, BundleTemplate } from "@nxmesh/protocol/model/Bundle"
import type { Upstream, UpstreamServer } from "@nxmesh/protocol/model/Upstream"
import type { Location, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import { plainHost, plainLocation, plainServer, plainUpstream } from "../../../../test/support/Resources.ts"
import type { Layout } from "../../src/nginx/Layout.ts"
import { makeBundle } from "../../src/nginx/Generation.ts"
import type { ResourceContent } from "../../src/nginx/Generation.ts"
import { render } from "../../src/nginx/Render.ts"
import type { RenderInput, RenderedTree } from "../../src/nginx/Render.ts"
import { builtInTemplates } from "../../src/nginx/templates/BuiltIn.ts"

/** Ids that differ in their last digits, as UUIDv7 made by the master do. */
export const uuid = (number: number): string => `0190a000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`

export const workspace = WorkspaceId.make(uuid(1))
export const otherWorkspace = WorkspaceId.make(uuid(2))

export const location = (fields: Partial<Location> = {}): Location => ({
  ...plainLocation,
  ...fields
})

export const answering = (text: string, fields: Partial<Location> = {}): Location =>
  location({ return: { status: 200, text }, ...fields })

export const host = (number: number, fields: Partial<VirtualHost> = {}): VirtualHost => ({
  ...plainHost,
  id: VirtualHostId.make(uuid(number)),
  workspace_id: workspace,
  name: `site ${number}`,
  server_name: `site-${number}.example.com`,
  locations: [answering(`site ${number}`)],
  ...fields
})

export const server = (address: string, fields: Partial<UpstreamServer> = {}): UpstreamServer => ({
  address,
  ...plainServer,
  ...fields
})

export const upstream = (number: number, fields: Partial<Upstream> = {}): Upstream => ({
  ...plainUpstream,
  id: UpstreamId.make(uuid(number)),
  workspace_id: workspace,
  name: `backend-${number}`,
  ...fields
})

export const certificate = (number: number, fields: Partial<BundleCertificate> = {}): BundleCertificate => ({
  id: CertificateId.make(uuid(number)),
  name: `certificate ${number}`,
  certificate_pem: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
  private_key_pem: "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
  secret_version_id: SecretVersionId.make(uuid(number + 0x1_0000)),
  ...fields
})

export const customTemplate = (name: string, source: string): BundleTemplate => ({
  workspace_id: workspace,
  name,
  source
})
export const templateId = (number: number) => TemplateId.make(uuid(number))

export const nginx122: NginxCapabilities = {
  version: "1.22.1",
  modules: ["http_realip", "http_ssl", "http_stub_status", "http_v2"]
}
export const nginx128: NginxCapabilities = {
  version: "1.28.0",
  modules: ["http_realip", "http_ssl", "http_stub_status", "http_v2", "http_v3"]
}

export const layout: Layout = {
  confDirectory: "/etc/nginx/conf.d",
  runtimeDirectory: "/run/nxmesh",
  logDirectory: null,
  ownsMainContext: true,
  ownsDefaultServer: true
}

export interface Parts {
  readonly hosts?: ReadonlyArray<VirtualHost>
  readonly upstreams?: ReadonlyArray<Upstream>
  readonly certificates?: ReadonlyArray<BundleCertificate>
  readonly templates?: ReadonlyArray<BundleTemplate>
}

export const bundle = ({ certificates = [], hosts = [], templates = [], upstreams = [] }: Parts) =>
  makeBundle([
    ...Object.entries(builtInTemplates).map(([name, source]): ResourceContent => ({
      _tag: "template",
      data: { workspace_id: null, name, source }
    })),
    ...templates.map((data): ResourceContent => ({ _tag: "template", data })),
    ...certificates.map((data): ResourceContent => ({ _tag: "certificate", data })),
    ...upstreams.map((data): ResourceContent => ({ _tag: "upstream", data })),
    ...hosts.map((data): ResourceContent => ({ _tag: "virtual_host", data }))
  ])

export const renderInput = (parts: Parts, fields: Partial<RenderInput> = {}): RenderInput => ({
  bundle: bundle(parts),
  nginx: nginx122,
  layout,
  directory: "20260302143000-000007",
  deploymentId: uuid(0xd),
  addresses: new Map(),
  ...fields
})

export const renderParts = (parts: Parts, fields: Partial<RenderInput> = {}): RenderedTree =>
  Result.getOrThrow(render(renderInput(parts, fields)))

/** The content of the one file whose path matches. */
export const fileText = (tree: RenderedTree, path: RegExp): string => {
  const found = tree.files.filter((file) => path.test(file.path))
  const [file] = found
  if (file === undefined || found.length > 1) throw new Error(`${found.length} files match ${path}`)
  return file.content
}
