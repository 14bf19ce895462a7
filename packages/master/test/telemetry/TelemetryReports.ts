/** What agents of a test report. */
import { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind } from "@nxmesh/protocol/link/OutboxBatch"
import type { NewEvent } from "../../src/telemetry/TelemetryStore.ts"

export const a = AgentId.make("018f0000-0000-7000-8000-00000000000a")
export const b = AgentId.make("018f0000-0000-7000-8000-00000000000b")

/** A minute that begins an hour: 2026-03-02 14:00. */
export const base = Date.UTC(2026, 2, 2, 14)
export const second = (count: number) => new Date(base + count * 1_000).toISOString()

export const health = (at: number) => ({
  timestamp: second(at),
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
})
export const metrics = (value: number, at = value, name = "n", labels: Record<string, string> = {}) => ({
  timestamp: second(at),
  samples: [{ name, labels, value }]
})
export const logs = (...texts: ReadonlyArray<string>) => ({
  dropped: 0,
  lines: texts.map((text) => ({
    timestamp: second(1),
    source: text.startsWith("GET") ? ("access" as const) : ("error" as const),
    text
  }))
})
export const entry = (sequence: number, kind: OutboxKind | "traces", report: unknown) => ({
  sequence,
  kind,
  report: typeof report === "string" ? report : JSON.stringify(report)
})
export const batch = (
  entries: OutboxBatch["entries"],
  { dropped = 0, outbox_id = "one" }: Partial<OutboxBatch> = {}
): OutboxBatch => ({ outbox_id, dropped, entries })

export const happened = (key: string, at: number): NewEvent => ({
  key,
  atMillis: base + at * 1_000,
  kind: "test",
  agentId: a,
  workspaceId: null,
  organizationId: null,
  text: `${key} happened`,
  data: { at }
})
