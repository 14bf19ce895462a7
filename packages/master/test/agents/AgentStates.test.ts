import { assert, describe, it } from "@effect/vitest"
import { Generation } from "@nxmesh/protocol/Ids"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { AgentState } from "@nxmesh/protocol/model/Agent"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { agentState } from "../../src/agents/AgentStates.ts"

type Arguments = Parameters<typeof agentState>
const at = "2026-03-02T14:30:00.000Z"
const enrolled = { enrolled_at: at, maintenance: false }
const stopped = { ...enrolled, nginx_stopped: { by: "Ann", at } }
const wanted = Generation.make("a".repeat(64))
const other = Generation.make("b".repeat(64))

const health = (fields: Partial<HealthReport> = {}, running = true): HealthReport => ({
  timestamp: at,
  nginx_status: { is_running: running, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 1 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 1, disk_used_gb: 1, disk_total_gb: 1 },
  config_checksum: null,
  alerts: [],
  ...fields
})
const online = (report: HealthReport | null = health()) => ({ connected: true, health: report })
const warning = (code: string, message: string) => ({ severity: "warning", code, message }) as const
const critical = (code: string, message: string) => ({ severity: "critical", code, message }) as const
const alerted = (...alerts: HealthReport["alerts"]) => online(health({ alerts }))

const error = (message: string, name: string | null = null): DeploymentError => ({
  step: "test",
  message,
  file: null,
  line: null,
  resource: name === null ? null : { kind: "virtual_host", id: name, name }
})
const settled = { status: "settled", generation: wanted, error: null } as const
const failed = { status: "failed", generation: wanted, error: error("unknown directive") } as const
const isolated = { ...settled, quarantined: [error('unknown directive "oops"', "shop"), error("no such file", "blog")] }
const refusal = "the last deployment was refused and nothing changed: test: unknown directive"

const drifted = warning("drift", "http/20-host-shop.conf (changed) differs from the settled generation: left as found")
const backends = warning("backends_down", "a server is left out, because the health check fails: 10.0.0.1:80")
const down = health({ alerts: [critical("nginx_down", "nginx is not running")] }, false)
const asked = health({ alerts: [warning("nginx_stopped", "nginx was stopped by request")] }, false)

const cases: ReadonlyArray<
  readonly [
    what: string,
    agent: Arguments[0],
    presence: Arguments[1],
    deployment: Arguments[2],
    state: AgentState,
    reason: string | null
  ]
> = [
  ["never enrolled", { ...enrolled, enrolled_at: null }, undefined, undefined, "Pending", "has not enrolled yet"],
  ["enrolled and never seen", enrolled, undefined, undefined, "Offline", "is not connected"],
  ["its connection is lost", enrolled, { connected: false, health: down }, failed, "Offline", "is not connected"],
  ["connected, nothing reported yet", enrolled, online(null), undefined, "Online", null],
  ["all is well", enrolled, online(), settled, "Online", null],
  ["all is left in", enrolled, online(), { ...settled, quarantined: [] }, "Online", null],
  ["nginx runs again after a stop", stopped, online(), settled, "Online", null],
  ["what failed is not wanted any more", enrolled, online(), { ...failed, generation: other }, "Online", null],
  ["drift was put back", enrolled, online(), settled, "Online", null],

  [
    "put in maintenance",
    { ...enrolled, maintenance: true },
    undefined,
    undefined,
    "Maintenance",
    "put in maintenance: nothing is deployed"
  ],
  [
    "in maintenance and ill",
    { ...enrolled, maintenance: true },
    online(down),
    failed,
    "Maintenance",
    "put in maintenance: nothing is deployed"
  ],
  [
    "rolled back by a person",
    { ...enrolled, maintenance: true, maintenance_reason: "rolled back to deployment 7 by Ann" },
    online(),
    settled,
    "Maintenance",
    "rolled back to deployment 7 by Ann"
  ],
  ["nginx stopped by a person", stopped, online(asked), settled, "Maintenance", "nginx was stopped by Ann"],
  [
    "nginx stopped, as the agent alone knows",
    enrolled,
    online(asked),
    settled,
    "Maintenance",
    "nginx was stopped by request"
  ],
  ["stopped, and the agent is gone", stopped, undefined, settled, "Offline", "is not connected"],

  ["nginx died after somebody started it again", stopped, online(down), settled, "Degraded", "nginx is not running"],
  ["nginx is down", enrolled, online(down), failed, "Degraded", "nginx is not running"],
  [
    "nginx is down, an old agent says no more",
    enrolled,
    online(health({}, false)),
    settled,
    "Degraded",
    "nginx is not running"
  ],
  [
    "a critical alert before a failed deployment",
    enrolled,
    alerted(backends, critical("site_failing", "status 500")),
    failed,
    "Degraded",
    "status 500"
  ],
  ["a failed deployment before a warning", enrolled, alerted(drifted), failed, "Degraded", refusal],
  [
    "a failed way back counts whatever is wanted",
    enrolled,
    online(),
    { status: "rollback_failed", generation: other, error: null },
    "Degraded",
    "the last deployment failed, and so did its rollback"
  ],
  [
    "rolled back",
    enrolled,
    online(),
    { status: "rolled_back", generation: wanted, error: null },
    "Degraded",
    "the last deployment failed and was rolled back"
  ],
  [
    "interrupted",
    enrolled,
    online(),
    { status: "interrupted", generation: wanted, error: null },
    "Degraded",
    "the last deployment was interrupted and undone"
  ],
  [
    "resources left out, before drift",
    enrolled,
    alerted(drifted),
    isolated,
    "Degraded",
    'left out, because nginx refuses it: virtual host shop, virtual host blog: unknown directive "oops"'
  ],
  ["drift before servers that are down", enrolled, alerted(drifted, backends), settled, "Degraded", drifted.message],
  ["servers that are down", enrolled, alerted(backends), settled, "Degraded", backends.message],
  [
    "an alert of a kind that this master does not know",
    enrolled,
    alerted(warning("of_2030", "a new trouble")),
    settled,
    "Degraded",
    "a new trouble"
  ]
]

describe("AgentStates", () => {
  for (const [what, agent, presence, deployment, state, reason] of cases) {
    it(`is ${state}: ${what}`, () => {
      assert.deepStrictEqual(agentState(agent, presence, deployment, wanted), { state, reason })
    })
  }

  it("names three of many resources that are left out", () => {
    const quarantined = ["a", "b", "c", "d", "e"].map((name) => error("refused", name))
    const { reason } = agentState(enrolled, online(), { ...settled, quarantined }, wanted)
    assert.strictEqual(
      reason,
      "left out, because nginx refuses it: virtual host a, virtual host b, virtual host c and 2 more: refused"
    )
  })
})
