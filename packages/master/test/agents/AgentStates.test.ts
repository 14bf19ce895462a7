import { assert, describe, it } from "@effect/vitest"
import { Generation } from "@nxmesh/protocol/Ids"
import type { HealthReport } from "@nxmesh/protocol/link/Report"
import { agentState } from "../../src/agents/AgentStates.ts"

const enrolled = { enrolled_at: "2026-03-02T14:30:00.000Z", maintenance: false }
const health = (fields: Partial<HealthReport> = {}, running = true): HealthReport => ({
  timestamp: "2026-03-02T14:30:00.000Z",
  nginx_status: { is_running: running, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 1 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 1, disk_used_gb: 1, disk_total_gb: 1 },
  config_checksum: null,
  alerts: [],
  ...fields
})
const connected = { connected: true, health: health() }
const wanted = Generation.make("a".repeat(64))
const other = Generation.make("b".repeat(64))

describe("AgentStates", () => {
  it("is Pending until the agent enrols", () => {
    assert.strictEqual(agentState({ ...enrolled, enrolled_at: null }, undefined, undefined, wanted).state, "Pending")
  })

  it("is Offline without a connection, Online with one and nothing wrong", () => {
    assert.strictEqual(agentState(enrolled, undefined, undefined, wanted).state, "Offline")
    assert.strictEqual(agentState(enrolled, { connected: false, health: health() }, undefined, wanted).state, "Offline")
    assert.deepStrictEqual(
      agentState(enrolled, connected, { status: "settled", generation: wanted, error: null }, wanted),
      {
        state: "Online",
        reason: null
      }
    )
  })

  it("is Degraded when nginx is down, an alert is raised, or the last deployment failed, and says which", () => {
    const down = agentState(enrolled, { connected: true, health: health({}, false) }, undefined, wanted)
    assert.deepStrictEqual(down, { state: "Degraded", reason: "nginx is not running" })
    const alerts = [
      { severity: "warning", code: "disk", message: "disk is 91 % full" },
      { severity: "critical", code: "drift", message: "files were changed by hand" }
    ] as const
    assert.strictEqual(
      agentState(enrolled, { connected: true, health: health({ alerts }) }, undefined, wanted).reason,
      "files were changed by hand"
    )
    const error = { step: "test", message: "unknown directive", file: null, line: null, resource: null } as const
    assert.strictEqual(
      agentState(enrolled, connected, { status: "failed", generation: wanted, error }, wanted).reason,
      "the last deployment was refused and nothing changed: test: unknown directive"
    )
  })

  it("is Online again when what failed is no longer wanted, but not after a failed way back", () => {
    const failed = { status: "failed", generation: other, error: null } as const
    assert.strictEqual(agentState(enrolled, connected, failed, wanted).state, "Online")
    const lost = { ...failed, status: "rollback_failed" } as const
    assert.strictEqual(agentState(enrolled, connected, lost, wanted).state, "Degraded")
  })

  it("is Maintenance whatever else is true", () => {
    for (const presence of [undefined, connected]) {
      assert.strictEqual(
        agentState({ ...enrolled, maintenance: true }, presence, undefined, wanted).state,
        "Maintenance"
      )
    }
  })
})
