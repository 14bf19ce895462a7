import { alertsOf, type Findings } from "@nxmesh/agent/health/Alerts"
import { cpuPercent, parseCpu, parseMemory, systemMetrics } from "@nxmesh/agent/health/HostMetrics"
import { requestsPerSecond } from "@nxmesh/agent/health/NginxHealth"
import { type OpenFiles, openFilesOf, parseLimit, totalOf } from "@nxmesh/agent/health/OpenFiles"
import { isDue, significance } from "@nxmesh/agent/health/ReportDue"
import { requestOf } from "@nxmesh/agent/probe/SiteCheck"
import { pid } from "node:process"
import { DeploymentId, Generation, UpstreamId } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { plainOutcome } from "../../../../test/support/Resources.ts"

const nginx = { is_running: true, pid: 7, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 }
const system = { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 100, disk_used_gb: 1, disk_total_gb: 100 }
const well: Findings = {
  nginx,
  system,
  answeredBy: "d1",
  expected: "d1",
  isStopped: false,
  lastOutcome: null,
  openFiles: { open: 40, limit: 1_024, fullest: 0.02 },
  site: null,
  raised: []
}
const ended = {
  ...plainOutcome,
  id: DeploymentId.make("01980000-0000-7000-8000-000000000001"),
  generation: Generation.make("a".repeat(64))
}
const refused = (name: string) => ({
  step: "test" as const,
  message: 'unknown directive "oops"',
  file: "http/20.conf",
  line: 3,
  resource: { kind: "virtual_host" as const, id: name, name }
})
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
    assert.deepStrictEqual(codes({ lastOutcome: { ...ended, status: "rollback_failed" } }), ["rollback_failed"])
    assert.deepStrictEqual(codes({ lastOutcome: { ...ended, status: "failed" } }), [])
  })
  it("tells an nginx that a person stopped from one that is down, and does not ask its site then", () => {
    const down = { nginx: { ...nginx, is_running: false }, answeredBy: null, isStopped: true }
    const site = { url: "http://127.0.0.1/", healthy: false, reason: "connection refused", sinceMillis: 0 }
    assert.deepStrictEqual(codes({ ...down, site }), ["nginx_stopped"])
    assert.deepStrictEqual(codes({ ...down, site, isStopped: false }), ["nginx_down", "site_failing"])
  })
  it("names what was left out of what serves, and says nothing of what did not settle", () => {
    const quarantined = [refused("shop"), refused("blog")]
    const alerts = alertsOf({ ...well, lastOutcome: { ...ended, status: "settled", quarantined } })
    assert.deepStrictEqual(
      alerts.map(({ code, message }) => [code, message]),
      [["quarantined", 'left out, because nginx refuses it (and 1 more): virtual host shop: unknown directive "oops"']]
    )
    assert.deepStrictEqual(codes({ lastOutcome: { ...ended, status: "settled", quarantined: [] } }), [])
    assert.deepStrictEqual(codes({ lastOutcome: { ...ended, status: "failed", quarantined } }), [])
  })
  it("has the worst first: what is critical, then what clients meet, then what will be a trouble", () => {
    const raised = [
      { severity: "warning", code: "backends_down", message: "" },
      { severity: "warning", code: "of_tomorrow", message: "" },
      { severity: "warning", code: "drift", message: "" },
      { severity: "critical", code: "of_today", message: "" }
    ] as const
    const site = { url: "http://127.0.0.1/", healthy: false, reason: "status 500", sinceMillis: 0 }
    const full = { ...system, disk_used_gb: 96 }
    assert.deepStrictEqual(codes({ raised, site, system: full, answeredBy: null }), [
      "site_failing",
      "of_today",
      "proof_silent",
      "drift",
      "backends_down",
      "of_tomorrow",
      "disk_full"
    ])
  })
  it("warns of a process of nginx that is near its limit of descriptors", () => {
    assert.deepStrictEqual(codes({ openFiles: { open: 10, limit: 1_024, fullest: 0.9 } }), ["open_files_full"])
    assert.deepStrictEqual(codes({ openFiles: { open: 10, limit: 1_024, fullest: 0.89 } }), [])
    assert.deepStrictEqual(codes({ openFiles: null }), [])
  })
  it("never has more alerts than a report may carry", () => {
    const raised = Array.from({ length: 100 }, (_, index) => ({
      severity: "warning" as const,
      code: `code_${index}`,
      message: ""
    }))
    assert.strictEqual(codes({ raised }).length, 64)
  })
  it("warns of memory and disk that are nearly full, and not of totals that are unknown", () => {
    const full = { ...system, memory_used_mb: 95, disk_used_gb: 96 }
    assert.deepStrictEqual(codes({ system: full }), ["memory_full", "disk_full"])
    assert.deepStrictEqual(codes({ system: { ...full, memory_total_mb: 0, disk_total_gb: 0 } }), [])
  })
})

describe("OpenFiles", () => {
  const limits = (soft: string) =>
    `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   524288    files\n`
  it("reads the soft limit", () => {
    assert.strictEqual(parseLimit(limits("1024")), 1_024)
    assert.isNull(parseLimit(limits("unlimited")))
    assert.isUndefined(parseLimit("Max processes 1 1 processes\n"))
  })
  it("sums what is open, and tells the least limit and the process nearest to its own", () => {
    const files = (open: number, limit: number | null): OpenFiles => ({ open, limit })
    assert.deepStrictEqual(totalOf([files(10, 1_024), files(90, 100), null]), { open: 100, limit: 100, fullest: 0.9 })
    assert.deepStrictEqual(totalOf([files(10, null)]), { open: 10, limit: null, fullest: 0 })
    assert.isNull(totalOf([null]))
  })
  it("counts those of a process that is there, and knows nothing of one that is not", () => {
    assert.isAbove(openFilesOf(pid)?.open ?? 0, 2)
    assert.isNull(openFilesOf(2 ** 22 + 1))
  })
})

describe("requestOf", () => {
  it("takes a URL apart as a client would", () => {
    assert.deepInclude(requestOf("http://127.0.0.1/healthz?x=1"), {
      address: "127.0.0.1",
      port: 80,
      path: "/healthz?x=1",
      host: "127.0.0.1",
      tls: null
    })
    assert.deepInclude(requestOf("https://[::1]:8443"), { address: "::1", port: 8_443, path: "/", host: "[::1]:8443" })
    assert.deepStrictEqual(requestOf("https://[::1]:8443").tls, { serverName: null })
    assert.deepStrictEqual(requestOf("https://site.example/").tls, { serverName: "site.example" })
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

describe("a health report", () => {
  const report = {
    timestamp: "2026-03-02T14:30:00.000Z",
    nginx_status: nginx,
    system_metrics: system,
    config_checksum: null,
    alerts: []
  }
  it("says the same while only numbers move", () => {
    const later = { ...report, system_metrics: { ...system, cpu_percent: 99 } }
    assert.strictEqual(significance(later), significance(report))
  })
  it("says something else with nginx's process, an alert, a server that falls, and drift", () => {
    const restarted = { ...report, nginx_status: { ...nginx, pid: 8 } }
    const alerted = { ...report, alerts: [{ severity: "warning", code: "disk_full", message: "" }] } as const
    const down = {
      upstream_id: UpstreamId.make("01980000-0000-7000-8000-000000000002"),
      address: "10.0.0.1:80",
      state: "unhealthy",
      since: report.timestamp,
      reason: ""
    } as const
    const drift = {
      found_at: report.timestamp,
      generation: ended.generation,
      response: "alerted",
      files: [],
      omitted: 0
    } as const
    const reports = [
      report,
      restarted,
      alerted,
      { ...report, backends_down: [down] },
      { ...report, backends_down: [{ ...down, address: "10.0.0.2:80" }] },
      { ...report, drift },
      { ...report, drift: { ...drift, response: "reverted" as const } }
    ]
    assert.strictEqual(new Set(reports.map(significance)).size, reports.length)
  })
  it("is due at first, when it says something else, and after the interval", () => {
    assert.isTrue(isDue(null, "a", 30_000, 0))
    const sent = { what: "a", atMillis: 1_000 }
    assert.isFalse(isDue(sent, "a", 30_000, 30_999))
    assert.isTrue(isDue(sent, "a", 30_000, 31_000))
    assert.isTrue(isDue(sent, "b", 30_000, 1_001))
    assert.isTrue(isDue(sent, "a", 30_000, 999), "a clock that was set back")
  })
})
