/**
 * Every endpoint, entity field, permission, metric, span attribute and page that the specification names, with the section it comes
 * from. *now* is checked against the code by Spec.test.ts. A row moves from *later* to *now*; taking one out takes an ADR.
 */
export interface SpecRow {
  readonly source: string
  readonly kind: "endpoint" | "field" | "value" | "permission" | "metric" | "span" | "page"
  /** In the specification's words, in the spelling of this API (snake_case, `resource:action`). */
  readonly name: string
  readonly when: "now" | "later"
  /** Where the code has it under another name. */
  readonly as?: string
  readonly note?: string
}

type Kind = SpecRow["kind"]
type When = SpecRow["when"]

const rows =
  (kind: Kind, separator: string) =>
  (source: string, when: When, prefix: string, names: string): ReadonlyArray<SpecRow> =>
    names
      .split(/\s+/)
      .filter((name) => name !== "")
      .map((name) => ({ source, kind, name: prefix === "" ? name : `${prefix}${separator}${name}`, when }))

const fields = rows("field", ".")
const values = rows("value", ".")
const metrics = rows("metric", "")
const spans = rows("span", "")
const permissions = rows("permission", ":")

const endpoints = (source: string, when: When, ...names: ReadonlyArray<string>): ReadonlyArray<SpecRow> =>
  names.map((name) => ({ source, kind: "endpoint", name, when }))

const resource = (path: string, ...methods: ReadonlyArray<string>): ReadonlyArray<string> =>
  methods.flatMap((method) => {
    if (method === "GET") return [`GET /api/v1/${path}`, `GET /api/v1/${path}/{id}`]
    return [method === "POST" ? `POST /api/v1/${path}` : `${method} /api/v1/${path}/{id}`]
  })

/** Rows that the code has under another name, or in another place, and why. */
const adapted = (row: SpecRow, as: string, note: string): SpecRow => ({ ...row, as, note })

const field = (source: string, name: string, when: When, note?: string): SpecRow => ({
  source,
  kind: "field",
  name,
  when,
  ...(note === undefined ? {} : { note })
})

const core: ReadonlyArray<SpecRow> = [
  ...fields("CF-001", "now", "Organization", "id name slug created_at settings"),
  ...fields("CF-001", "now", "Workspace", "id organization_id name slug created_at"),
  adapted(
    field("CF-001", "OrganizationSettings.cross_workspace_visibility", "now"),
    "OrganizationSettings.cross_workspace_visibility",
    '"Cross-workspace visibility is configurable": for reading, as far as the member may read in their own'
  ),
  ...endpoints("CF-001", "now", "GET /api/v1/organizations", "POST /api/v1/organizations"),
  ...endpoints("CF-001", "now", "GET /api/v1/organizations/{id}/workspaces"),
  ...endpoints("CF-001", "now", "POST /api/v1/organizations/{id}/workspaces"),
  ...values("CF-002", "now", "AgentState", "Pending Online Offline Degraded Maintenance"),
  ...values("CF-002", "now", "DeploymentMode", "docker_sidecar k8s_sidecar standalone"),
  ...fields("CF-002", "now", "Agent", "id workspace_id name hostname ip_address version state deployment_mode"),
  ...fields("CF-002", "now", "Agent", "last_seen_at capabilities labels"),
  ...endpoints("CF-002", "now", "POST /api/v1/agents/register", "GET /api/v1/agents", "GET /api/v1/agents/{id}"),
  ...endpoints("CF-002", "now", "POST /api/v1/agents/{id}/tokens", "DELETE /api/v1/agents/{id}"),
  ...values("CF-003", "now", "AgentSelector", "global workspace"),
  adapted(
    { source: "CF-003", kind: "value", name: "AgentSelector.agent_group", when: "now" },
    "AgentSelector.labels",
    "ConfigScope.AgentGroup is a selector over labels"
  ),
  adapted(
    { source: "CF-003", kind: "value", name: "AgentSelector.agent", when: "now" },
    "AgentSelector.agents",
    "ConfigScope.Agent names one agent, the selector one or several"
  )
]

const master: ReadonlyArray<SpecRow> = [
  ...endpoints("MF-001", "now", ...resource("organizations", "GET", "POST", "PATCH", "DELETE")),
  ...endpoints("MF-001", "now", ...resource("workspaces", "GET", "POST", "PATCH", "DELETE")),
  ...endpoints("MF-001", "now", ...resource("agents", "GET", "POST", "PATCH", "DELETE")),
  ...endpoints("MF-001", "now", ...resource("virtual-hosts", "GET", "POST", "PATCH", "DELETE")),
  ...endpoints("MF-001", "now", ...resource("upstreams", "GET", "POST", "PATCH", "DELETE")),
  ...endpoints("MF-001", "now", ...resource("certificates", "GET", "POST", "DELETE")),
  ...endpoints("MF-001", "now", "GET /api/v1/access-logs"),
  ...endpoints("MF-001", "later", "GET /api/v1/metrics"),
  ...fields("MF-001", "now", "PageMeta", "page per_page total"),
  ...fields("MF-001", "now", "PageLinks", "self next prev"),
  ...fields("MF-001", "now", "Error", "code message details"),
  ...fields("MF-001", "now", "ErrorDetail", "field message"),
  ...["Dashboard", "Agents", "Configurations", "Certificates", "Access Control", "Settings"].map((name): SpecRow => ({
    source: "MF-002",
    kind: "page",
    name,
    when: "later"
  })),
  ...endpoints("MF-002", "later", "WebSocket live feed"),
  ...values("MF-003", "now", "BuiltInTemplate", "default spa api static websocket"),
  ...fields("MF-004", "now", "Certificate", "id workspace_id domain is_wildcard provider status issued_at expires_at"),
  ...fields("MF-004", "now", "Certificate", "certificate_pem"),
  adapted(
    field("MF-004", "Certificate.private_key_pem", "now"),
    "CertificateCreate.private_key_pem",
    "accepted and sealed, never answered"
  ),
  field("MF-004", "Certificate.auto_renew", "later", "the field exists; renewal comes with ACME"),
  ...values("MF-004", "now", "CertificateProvider", "custom"),
  ...values("MF-004", "later", "CertificateProvider", "lets_encrypt"),
  ...values("MF-004", "now", "CertificateStatus", "active expired"),
  ...values("MF-004", "later", "CertificateStatus", "pending error")
]

const agent: ReadonlyArray<SpecRow> = [
  adapted(
    field("AF-003", "HealthReport.agent_id", "now"),
    "Agent.id",
    "not in the message: the verified connection says which agent reports"
  ),
  ...fields("AF-003", "now", "HealthReport", "timestamp nginx_status system_metrics config_checksum alerts"),
  ...fields("AF-003", "now", "NginxStatus", "is_running pid uptime_seconds active_connections requests_per_second"),
  ...fields("AF-003", "now", "SystemMetrics", "cpu_percent memory_used_mb memory_total_mb disk_used_gb disk_total_gb"),
  {
    source: "AF-004",
    kind: "endpoint",
    name: "GET /metrics",
    when: "later",
    note: "on the agent, outside the OpenAPI document: its metrics are checked by name"
  },
  ...metrics("AF-004", "now", "", "nxmesh_nginx_connections_active nxmesh_nginx_connections_reading"),
  ...metrics("AF-004", "now", "", "nxmesh_nginx_connections_writing nxmesh_nginx_connections_waiting"),
  ...metrics("AF-004", "now", "", "nxmesh_nginx_requests_total nxmesh_agent_uptime_seconds"),
  ...metrics("AF-004", "now", "", "nxmesh_agent_master_connection_status nxmesh_agent_config_version"),
  ...metrics("AF-004", "now", "", "nxmesh_system_cpu_percent nxmesh_system_memory_used_bytes"),
  ...metrics("AF-004", "now", "", "nxmesh_system_disk_used_bytes")
]

const configuration: ReadonlyArray<SpecRow> = [
  ...fields("CM-001", "now", "VirtualHost", "id workspace_id name server_name listen_port ssl_enabled"),
  ...fields("CM-001", "now", "VirtualHost", "ssl_certificate_id locations http2_enabled http3_enabled gzip_enabled"),
  ...fields("CM-001", "now", "VirtualHost", "rate_limiting target_agents"),
  ...fields("CM-001", "now", "Location", "path proxy_pass upstream_id root index custom_headers rewrite_rules"),
  ...fields("CM-002", "now", "Upstream", "id workspace_id name algorithm servers keepalive_connections"),
  ...fields("CM-002", "now", "Upstream", "keepalive_timeout"),
  field("CM-002", "Upstream.health_check", "now", "HTTP and TCP probes by each agent, rendered as down"),
  ...fields("CM-002", "now", "UpstreamServer", "address weight backup down max_fails fail_timeout"),
  ...values("CM-002", "now", "LoadBalanceAlgorithm", "round_robin least_connections ip_hash weighted_round_robin"),
  ...fields("CM-003", "now", "ConfigVersion", "id resource_type resource_id version_number data checksum created_by"),
  ...fields("CM-003", "now", "ConfigVersion", "created_at change_summary"),
  ...endpoints("CM-003", "now", "GET /api/v1/virtual-hosts/{id}/versions"),
  ...endpoints("CM-003", "now", "GET /api/v1/virtual-hosts/{id}/versions/{version}"),
  ...endpoints("CM-003", "now", "POST /api/v1/virtual-hosts/{id}/rollback"),
  ...endpoints("CM-003", "now", "GET /api/v1/virtual-hosts/{id}/diff")
]

const observability: ReadonlyArray<SpecRow> = [
  ...values("OB-001", "now", "LogLevel", "ERROR WARN INFO DEBUG TRACE"),
  ...fields("OB-001", "now", "LogRecord", "timestamp level component agent_id trace_id span_id message fields"),
  ...spans("OB-002", "now", "", "nxmesh.agent_id nxmesh.config_id nxmesh.workspace_id nxmesh.organization_id"),
  ...fields("OB-003", "now", "AccessLogEntry", "id agent_id timestamp remote_addr method uri protocol host status"),
  ...fields("OB-003", "now", "AccessLogEntry", "body_bytes_sent response_time_ms user_agent referer request_id"),
  ...endpoints("OB-003", "now", "GraphQL accessLogs")
]

const security: ReadonlyArray<SpecRow> = [
  ...fields("SF-001", "now", "Role", "id name permissions"),
  ...permissions("SF-001", "now", "organization", "read write delete"),
  ...permissions("SF-001", "now", "workspace", "read write delete"),
  ...permissions("SF-001", "now", "agent", "read write reload delete"),
  ...permissions("SF-001", "now", "config", "read write deploy delete"),
  ...permissions("SF-001", "now", "certificate", "read write delete"),
  ...permissions("SF-001", "now", "user", "read write delete"),
  adapted(
    { source: "SF-001", kind: "endpoint", name: "password login, JWT", when: "now" },
    "POST /api/v1/auth/login",
    "the specification names the method, not the path"
  ),
  ...endpoints("SF-001", "later", "OAuth2/OIDC login", "API keys"),
  ...permissions("architecture: RBAC", "now", "admin", "*:*"),
  ...permissions("architecture: RBAC", "now", "operator", "config:read config:write agent:read agent:reload"),
  ...permissions("architecture: RBAC", "now", "viewer", "config:read agent:read metrics:read")
]

export const specTable: ReadonlyArray<SpecRow> = [
  ...core,
  ...master,
  ...agent,
  ...configuration,
  ...observability,
  ...security
]
