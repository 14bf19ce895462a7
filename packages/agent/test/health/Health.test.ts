import { alertsOf, type Findings } from "@nxmesh/agent/health/Alerts"
import { significance } from "@nxmesh/agent/health/HealthReporter"
import { cpuPercent, parseCpu, parseMemory, systemMetrics } from "@nxmesh/agent/health/HostMetrics"
import { requestsPerSecond } from "@nxmesh/agent/health/NginxHealth"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { plainOutcome } from "../../../../test/support/Resources.ts"

const nginx = { is_running: true, pid: 7, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 }
const system = { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 100, disk_used_gb: 1, disk_total_gb: 100 }
const well: Findings = { nginx, system, answeredBy: "d1", expected: "d1", lastOutcome: null }
const codes = (findings: Partial<Findings>) => alertsOf({ ...well, ...findings }).map(({ code }) => code)

describe("alertsOf", () => {
  it("has nothing to say when all is well", () => assert.deepStrictEqual(codes({}), []))
  it("says that nginx is down, and nothing of its socket then", () => {
    assert.deepStrictEqual(codes({ nginx: { ...nginx, is_running: false }, answeredBy: null }), ["nginx_down"])
  })
  it("tells a silent proof socket from one that answers for another deployment", () => {
    assert.deepStrictEqual(codes({ answeredBy: null }), ["proof_silent"])
    assert.deepStrictEqual(codes({ answeredBy: "d0" }), ["config_mismatch"])
  })
  it("tells of a failed way back, and leaves other failed deployments to the master, who knows what is wanted", () => {
    const ended = {
      ...plainOutcome,
      id: DeploymentId.make("01980000-0000-7000-8000-000000000001"),
      generation: Generation.make("a".repeat(64))
    }
    assert.deepStrictEqual(codes({ lastOutcome: { ...ended, status: "rollback_failed" } }), ["rollback_failed"])
    assert.deepStrictEqual(codes({ lastOutcome: { ...ended, status: "failed" } }), [])
  })
  it("warns of memory and disk that are nearly full, and not of totals that are unknown", () => {
    const full = { ...system, memory_used_mb: 95, disk_used_gb: 96 }
    assert.deepStrictEqual(codes({ system: full }), ["memory_full", "disk_full"])
    assert.deepStrictEqual(codes({ system: { ...full, memory_total_mb: 0, disk_total_gb: 0 } }), [])
  })
})

describe("HostMetrics", () => {
  it("reads CPU ticks without counting guests twice", () => {
    const before = parseCpu("cpu  100 0 100 800 0 0 0 0 50 0\ncpu0 1 1 1 1\n")
    const after = parseCpu("cpu  150 0 150 900 0 0 0 0 50 0\n")
    assert.deepStrictEqual(before, { busy: 200, total: 1_000 })
    assert.strictEqual(cpuPercent(before, after), 50)
    assert.strictEqual(cpuPercent(after, after), 0)
  })
  it("reads memory that is available as free, and nothing from nothing", () => {
    assert.deepStrictEqual(parseMemory("MemTotal:  1024 kB\nMemFree: 1 kB\nMemAvailable:   512 kB\n"), {
      totalBytes: 1_048_576,
      usedBytes: 524_288
    })
    assert.deepStrictEqual(parseMemory(""), { totalBytes: 0, usedBytes: 0 })
  })
  it("reports mebibytes and gibibytes", () => {
    const bytes = { usedBytes: 2 ** 31, totalBytes: 2 ** 32 }
    assert.deepStrictEqual(systemMetrics({ cpuPercent: 1.5, memory: bytes, disk: bytes }), {
      cpu_percent: 1.5,
      memory_used_mb: 2_048,
      memory_total_mb: 4_096,
      disk_used_gb: 2,
      disk_total_gb: 4
    })
  })
})

describe("requestsPerSecond", () => {
  const count = (pid: number, requests: number, atMillis: number) => ({ pid, requests, atMillis })
  it("divides what was served by the time it took", () => {
    assert.strictEqual(requestsPerSecond(count(1, 10, 0), count(1, 40, 2_000)), 15)
  })
  it("starts over with another master, the first count, or a count that went back", () => {
    assert.strictEqual(requestsPerSecond(null, count(1, 40, 2_000)), 0)
    assert.strictEqual(requestsPerSecond(count(1, 10, 0), count(2, 40, 2_000)), 0)
    assert.strictEqual(requestsPerSecond(count(1, 50, 0), count(1, 40, 2_000)), 0)
    assert.strictEqual(requestsPerSecond(count(1, 10, 0), count(1, 40, 0)), 0)
  })
})

describe("significance", () => {
  const report = {
    timestamp: "2026-03-02T14:30:00.000Z",
    nginx_status: nginx,
    system_metrics: system,
    config_checksum: null,
    alerts: []
  }
  it("is the same while only numbers move", () => {
    const later = { ...report, system_metrics: { ...system, cpu_percent: 99 } }
    assert.strictEqual(significance(later), significance(report))
  })
  it("changes with nginx's process and with an alert", () => {
    const restarted = { ...report, nginx_status: { ...nginx, pid: 8 } }
    const alerted = { ...report, alerts: [{ severity: "warning", code: "disk_full", message: "" }] } as const
    assert.strictEqual(new Set([report, restarted, alerted].map(significance)).size, 3)
  })
})
