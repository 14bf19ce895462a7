import { assert, describe, it } from "@effect/vitest"
import { backendAlerts, backendsDown, type Probed, type Situation } from "@nxmesh/agent/backends/BackendReport"
import { planOf } from "@nxmesh/agent/backends/ProbePlan"
import { initialHealth } from "@nxmesh/agent/probe/ServerHealth"
import { indexBundle } from "@nxmesh/core/nginx/BundleIndex"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { HealthCheckConfig } from "@nxmesh/protocol/model/Upstream"
import * as Fixtures from "../../../core/test/nginx/Fixtures.ts"

const health_check: HealthCheckConfig = {
  type: "tcp",
  path: null,
  interval_seconds: 10,
  timeout_seconds: 5,
  healthy_threshold: 2,
  unhealthy_threshold: 3
}

/** Servers of one upstream by address, each with why it fails, or `null`. */
const situation = (servers: Readonly<Record<string, string | null>>, fields: Partial<Situation> = {}): Situation => {
  const pool = Fixtures.upstream(2, {
    name: "pool",
    health_check,
    servers: Object.keys(servers).map((address) => Fixtures.server(address))
  })
  const { targets } = planOf(indexBundle(Fixtures.bundle({ upstreams: [pool] })), new Map())
  const probed = targets.map((target): Probed => {
    const reason = servers[target.endpoint] ?? null
    const health = initialHealth(1_000)
    return { target, health: reason === null ? health : { ...health, state: "unhealthy", reason } }
  })
  return {
    upstreams: [pool],
    names: [],
    addresses: new Map(),
    probed,
    omitted: 0,
    unresolvedSince: new Map(),
    ...fields
  }
}
const alerts = (of: Situation) => backendAlerts(of).map(({ code, message, severity }) => [severity, code, message])

describe("what an operator hears of upstream servers", () => {
  it("is nothing while all pass", () => {
    const well = situation({ "10.0.0.1:80": null, "10.0.0.2:80": null })
    assert.deepStrictEqual(alerts(well), [])
    assert.deepStrictEqual(backendsDown(well), [])
  })

  it("names a server that is left out, and why", () => {
    const one = situation({ "10.0.0.1:80": "status 503", "10.0.0.2:80": null })
    assert.deepStrictEqual(alerts(one), [
      [
        "warning",
        "backends_down",
        "a server is left out, because the health check fails: 10.0.0.1:80 of pool (status 503)"
      ]
    ])
    const [down] = backendsDown(one)
    assert.deepInclude(down, {
      address: "10.0.0.1:80",
      state: "unhealthy",
      reason: "status 503",
      since: "1970-01-01T00:00:01.000Z"
    })
  })

  it("is critical when all fail, because then all are kept", () => {
    const [all] = alerts(situation({ "10.0.0.1:80": "refused", "10.0.0.2:80": "refused" }))
    assert.deepStrictEqual(all?.slice(0, 2), ["critical", "backends_all_down"])
    assert.include(all?.[2], "no server of pool passes its health check, so all are kept in use")
  })

  it("names five of many, and a report holds no more than the wire takes", () => {
    const servers = Object.fromEntries(
      Array.from({ length: 100 }, (_, last) => [`10.0.0.${last}:80`, last === 0 ? null : "refused"])
    )
    const [message] = backendAlerts(situation(servers))
    assert.include(message?.message, "99 servers are left out")
    assert.include(message?.message, "10.0.0.5:80 of pool (refused) and 94 more")
    assert.strictEqual(backendsDown(situation(servers)).length, WireLimits.backendsDownMax)
  })

  it("tells of names that never had an address, by upstream and by URL", () => {
    const found = situation(
      { "never.example:80": null, "10.0.0.1:80": null },
      { names: ["never.example", "url.example"], unresolvedSince: new Map([["never.example", 2_000]]) }
    )
    assert.deepStrictEqual(alerts(found), [
      [
        "warning",
        "names_unresolved",
        "never resolved to an address, so requests there fail: never.example, url.example"
      ]
    ])
    assert.deepStrictEqual(
      backendsDown(found).map(({ address, since, state }) => [address, state, since]),
      [["never.example:80", "unresolved", "1970-01-01T00:00:02.000Z"]]
    )
  })

  it("tells that there are more servers than an agent probes", () => {
    assert.deepStrictEqual(
      backendAlerts(situation({}, { omitted: 7 })).map(({ code }) => code),
      ["probes_omitted"]
    )
  })
})
