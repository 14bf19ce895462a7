/** Checks a custom template before it is stored: its syntax, and what it makes of sample hosts. */
import { CertificateId, SecretVersionId, UpstreamId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { Location, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { proxySettingsDefault } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import { forbiddenIn } from "./Forbidden.ts"
import { makeBundle } from "./Generation.ts"
import type { ResourceContent } from "./Generation.ts"
import type { Layout } from "./Layout.ts"
import { render } from "./Render.ts"
import { builtInTemplates } from "./templates/BuiltIn.ts"
import { parseTemplate, partialNames } from "./TemplateSource.ts"

export interface TemplateProblem {
  /** Line in the template, from 1; `null` when the problem is in what it renders. */
  readonly line: number | null
  readonly message: string
}

const id = "0190a000-0000-7000-8000-0000000000aa"
const workspace = WorkspaceId.make(id)
const stamps = { created_at: "2026-01-01T00:00:00.000Z", updated_at: "2026-01-01T00:00:00.000Z", revision: 1 }
const nginx: NginxCapabilities = {
  version: "1.22.1",
  modules: ["http_realip", "http_ssl", "http_stub_status", "http_v2"]
}
const layout: Layout = {
  confDirectory: "/etc/nginx/conf.d",
  runtimeDirectory: "/run/nxmesh",
  logDirectory: null,
  ownsMainContext: true,
  ownsDefaultServer: true
}

const locationBase: Location = {
  path: "/",
  proxy_pass: null,
  upstream_id: null,
  root: null,
  index: null,
  return: null,
  custom_headers: [],
  rewrite_rules: [],
  access_rules: [],
  websocket: false,
  proxy: proxySettingsDefault,
  snippet: null
}

const hostBase: VirtualHost = {
  id: VirtualHostId.make(id),
  workspace_id: workspace,
  name: "sample",
  enabled: true,
  server_name: "sample.example.com",
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
  template: "sample",
  snippet: null,
  target_agents: { scope: "workspace" },
  locations: [{ ...locationBase, upstream_id: UpstreamId.make(id) }],
  ...stamps
}

/** One host with little and one with everything, both with a proxied location: most templates are written for one. */
const samples: ReadonlyArray<VirtualHost> = [
  hostBase,
  {
    ...hostBase,
    server_name: "sample.example.com, *.sample.example.com",
    listen_port: 443,
    ssl_enabled: true,
    ssl_certificate_id: CertificateId.make(id),
    redirect_http: true,
    http2_enabled: true,
    gzip_enabled: true,
    rate_limiting: {
      requests: 10,
      per: "second",
      burst: 20,
      nodelay: true,
      key: "remote_addr",
      zone_size_kib: 1_024,
      status_code: 429
    },
    client_max_body_kib: 1_024,
    locations: [
      {
        ...locationBase,
        upstream_id: UpstreamId.make(id),
        custom_headers: [{ name: "X-Sample", value: "a sample's value" }],
        websocket: true
      },
      { ...locationBase, path: "~ \\.html$", upstream_id: UpstreamId.make(id) }
    ]
  }
]

const companions: ReadonlyArray<ResourceContent> = [
  {
    _tag: "upstream",
    data: {
      id: UpstreamId.make(id),
      workspace_id: workspace,
      name: "sample",
      algorithm: "round_robin",
      servers: [{ address: "192.0.2.1:80", weight: 1, backup: false, down: false, max_fails: 1, fail_timeout: 10 }],
      health_check: null,
      keepalive_connections: null,
      keepalive_timeout: null,
      ...stamps
    }
  },
  {
    _tag: "certificate",
    data: {
      id: CertificateId.make(id),
      name: "sample",
      certificate_pem: "sample",
      private_key_pem: "sample",
      secret_version_id: SecretVersionId.make(id)
    }
  },
  ...Object.entries(builtInTemplates).map(([name, source]): ResourceContent => ({
    _tag: "template",
    data: { workspace_id: null, name, source }
  }))
]

const probe = (host: VirtualHost, templates: ReadonlyMap<string, string>): ReadonlyArray<TemplateProblem> => {
  const custom = Array.from(templates, ([name, source]): ResourceContent => ({
    _tag: "template",
    data: { workspace_id: workspace, name, source }
  }))
  const tree = render({
    bundle: makeBundle([...companions, ...custom, { _tag: "virtual_host", data: host }]),
    nginx,
    layout,
    directory: "sample",
    deploymentId: id,
    addresses: new Map()
  })
  if (Result.isFailure(tree)) {
    const { line, problem } = tree.failure
    return [{ line, message: problem }]
  }
  return forbiddenIn(tree.success).map(({ directive, line, reason }) => ({
    line: null,
    message: `makes text that is refused: ${directive === "" ? "" : `"${directive}" `}${reason} (line ${line} of the result)`
  }))
}

/**
 * What is wrong with a template; empty when nothing is found. `partials` are the other templates of its workspace by
 * name. The samples do not reach every branch: what a real host makes of the template is checked when it is rendered.
 */
export const validateTemplate = (
  source: string,
  partials: ReadonlyMap<string, string> = new Map(),
  name = "template"
): ReadonlyArray<TemplateProblem> => {
  const parsed = parseTemplate(name, source)
  if (Result.isFailure(parsed)) return [{ line: parsed.failure.line, message: parsed.failure.problem }]
  const templates = new Map([...partials, [name, source]])
  const missing = partialNames(parsed.success).find(
    (partial) => !templates.has(partial) && !Object.hasOwn(builtInTemplates, partial)
  )
  if (missing !== undefined) return [{ line: null, message: `there is no partial "${missing}" in the workspace` }]
  for (const sample of samples) {
    const problems = probe({ ...sample, template: name }, templates)
    if (problems.length > 0) return problems
  }
  return []
}

/**
 * Names of all templates that rendering `name` can need, itself included, sorted: what has to travel in a bundle.
 * `find` answers a source by name, and `null` where there is none.
 */
export const templateClosure = (name: string, find: (name: string) => string | null): ReadonlyArray<string> => {
  const needed = new Set<string>()
  const pending = [name]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const source = needed.has(next) ? null : find(next)
    if (source === null) continue
    needed.add(next)
    const parsed = parseTemplate(next, source)
    if (Result.isSuccess(parsed)) pending.push(...partialNames(parsed.success))
  }
  return Array.from(needed).sort()
}
