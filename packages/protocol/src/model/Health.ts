/** How an agent and its nginx are, in the agent's own words (AF-003). */
import { Schema } from "effect"
import { Generation, UpstreamId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { Drift } from "./Drift.ts"
import { Timestamp } from "./Text.ts"

/** AF-003 `NginxStatus`. */
export const NginxStatus = Schema.Struct({
  is_running: Schema.Boolean,
  pid: Schema.NullOr(Schema.Int),
  uptime_seconds: Schema.Finite,
  active_connections: Schema.Int,
  requests_per_second: Schema.Finite
})
export type NginxStatus = typeof NginxStatus.Type

/** AF-003 `SystemMetrics`. */
export const SystemMetrics = Schema.Struct({
  cpu_percent: Schema.Finite,
  memory_used_mb: Schema.Finite,
  memory_total_mb: Schema.Finite,
  disk_used_gb: Schema.Finite,
  disk_total_gb: Schema.Finite,
  /** Descriptors that nginx's processes hold, and the least limit that any of them has. */
  nginx_open_files: Schema.optionalKey(Schema.Int),
  nginx_open_files_max: Schema.optionalKey(Schema.Int)
})
export type SystemMetrics = typeof SystemMetrics.Type

export const Alert = Schema.Struct({
  severity: Schema.Literals(["warning", "critical"]),
  /** Stable, for machines: as in `nginx_down`. */
  code: Schema.String.check(Schema.isMaxLength(64)),
  message: Schema.String.check(Schema.isMaxLength(1_024))
})
export type Alert = typeof Alert.Type

/** A server of an upstream that the agent leaves out for now. */
export const BackendDown = Schema.Struct({
  upstream_id: UpstreamId,
  address: Schema.String.check(Schema.isMaxLength(Limits.urlCharactersMax)),
  /** unhealthy: its health check fails. unresolved: its name has never had an address. */
  state: Schema.Literals(["unhealthy", "unresolved"]),
  since: Timestamp,
  reason: Schema.String.check(Schema.isMaxLength(256))
})
export type BackendDown = typeof BackendDown.Type

/** AF-003 `HealthReport`. */
export const HealthReport = Schema.Struct({
  timestamp: Timestamp,
  nginx_status: NginxStatus,
  system_metrics: SystemMetrics,
  /** The generation that nginx was proved to serve; `null` before the first. */
  config_checksum: Schema.NullOr(Generation),
  alerts: Schema.Array(Alert).check(Schema.isMaxLength(64)),
  /** What was found last, until the tree is as it should be for a while; `null`: none. */
  drift: Schema.optionalKey(Schema.NullOr(Drift)),
  backends_down: Schema.optionalKey(Schema.Array(BackendDown).check(Schema.isMaxLength(Limits.backendsDownMax)))
})
export type HealthReport = typeof HealthReport.Type
