/** What simulated agents say of themselves. */

export const facts = {
  hostname: "bench",
  version: "0.1.0",
  deployment_mode: "standalone",
  nginx: null,
  capabilities: []
} as const

export const health = {
  timestamp: "2026-03-02T14:30:00.000Z",
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
}
