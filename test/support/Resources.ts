/** What a fixture leaves unsaid: resources with every field at its plainest. */
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { Upstream, UpstreamServer } from "@nxmesh/protocol/model/Upstream"
import { type Location, proxySettingsDefault, type VirtualHost } from "@nxmesh/protocol/model/VirtualHost"

export const plainStamps = {
  created_at: "2026-03-02T14:30:00.000Z",
  updated_at: "2026-03-02T14:30:00.000Z",
  revision: 1
}

/** Answers nothing yet. */
export const plainLocation: Location = {
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

export const plainHost: Omit<VirtualHost, "id" | "workspace_id" | "name" | "server_name" | "locations"> = {
  enabled: true,
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
  ...plainStamps
}

export const plainServer: Omit<UpstreamServer, "address"> = {
  weight: 1,
  backup: false,
  down: false,
  max_fails: 1,
  fail_timeout: 10
}

export const plainUpstream: Omit<Upstream, "id" | "workspace_id" | "name"> = {
  algorithm: "round_robin",
  servers: [{ address: "10.0.0.1:8080", ...plainServer }],
  health_check: null,
  keepalive_connections: null,
  keepalive_timeout: null,
  ...plainStamps
}

/** Settled, after a second that nobody measured. */
export const plainOutcome: Omit<DeploymentOutcome, "id" | "generation"> = {
  status: "settled",
  started_at: "2026-03-02T14:30:00.000Z",
  finished_at: "2026-03-02T14:30:01.000Z",
  serving_after_millis: null,
  settled_after_millis: null,
  serving_generation: null,
  warnings: [],
  error: null
}
