import { assert, describe, it } from "@effect/vitest"
import { type Instant, Probing } from "@nxmesh/agent/backends/Probing"
import type { Target } from "@nxmesh/agent/backends/ProbePlan"
import { initialHealth } from "@nxmesh/agent/probe/ServerHealth"
import { UpstreamId } from "@nxmesh/protocol/Ids"
import { uuid } from "../../../core/test/nginx/Fixtures.ts"

const target = (key: string, interval_seconds = 10, upstream = 1): Target => ({
  key,
  upstreamId: UpstreamId.make(uuid(upstream)),
  upstreamName: "pool",
  endpoint: key,
  check: {
    type: "tcp",
    path: null,
    interval_seconds,
    timeout_seconds: 5,
    healthy_threshold: 1,
    unhealthy_threshold: 2
  },
  request: { _tag: "Tcp", address: "10.0.0.1", port: 80, timeoutMillis: 5_000 }
})
const at = (nowMillis: number, random = 0.5): Instant => ({ nowMillis, wallMillis: nowMillis, random: () => random })
const keys = (targets: ReadonlyArray<Target>) => targets.map(({ key }) => key)

describe("Probing", () => {
  it("spreads the first probes over a second and the others around their interval", () => {
    const probing = new Probing()
    probing.plan([target("a")], at(0, 0.9))
    assert.deepStrictEqual(probing.begin(at(899)), [])
    assert.deepStrictEqual(keys(probing.begin(at(900, 0))), ["a"])
    probing.ended("a", null, 900)
    assert.deepStrictEqual(probing.begin(at(900 + 8_999)), [])
    assert.deepStrictEqual(keys(probing.begin(at(900 + 9_000, 1))), ["a"])
  })

  it("probes the servers of an upstream together: those that fail together are found together", () => {
    const probing = new Probing()
    probing.plan([target("a"), target("b"), target("c", 10, 2)], at(0, 0.5))
    assert.deepStrictEqual(keys(probing.begin(at(500, 0.1))), ["a", "b", "c"])
    for (const key of ["a", "b", "c"]) probing.ended(key, null, 500)
    let random = 0
    const turns = Array.from({ length: 20 }, (_, turn) => {
      random = (random + 0.37) % 1
      const begun = keys(probing.begin({ nowMillis: 1_000 * turn, wallMillis: 0, random: () => random }))
      for (const key of begun) probing.ended(key, null, 0)
      return begun.filter((key) => key !== "c").join()
    })
    assert.deepStrictEqual([...new Set(turns)].toSorted(), ["", "a,b"])
  })

  it("never has two probes of one server in flight, however slow it is, and the others keep their turn", () => {
    const probing = new Probing()
    probing.plan([target("a"), target("b")], at(0, 0))
    assert.deepStrictEqual(keys(probing.begin(at(0))), ["a", "b"])
    probing.ended("b", null, 0)
    assert.deepStrictEqual(keys(probing.begin(at(10_000))), ["b"])
    probing.ended("a", "slow", 15_000)
    assert.deepStrictEqual(keys(probing.begin(at(20_000))), ["a"])
  })

  it("says when a server's state changed, and forgets servers that are no longer planned", () => {
    const probing = new Probing()
    probing.plan([target("a")], at(0))
    assert.isFalse(probing.ended("a", "refused", 1))
    assert.isTrue(probing.ended("a", "refused", 2))
    assert.isFalse(probing.ended("a", "refused", 3))
    assert.strictEqual(probing.probed[0]?.health.state, "unhealthy")
    probing.plan([], at(4))
    assert.isFalse(probing.ended("a", null, 5))
    assert.deepStrictEqual(probing.probed, [])
  })

  it("keeps the health of servers across plans, and takes a shorter interval at once", () => {
    const probing = new Probing()
    probing.plan([target("a", 3_600)], at(0, 0))
    probing.begin(at(0))
    probing.ended("a", "refused", 0)
    probing.ended("a", "refused", 0)
    probing.plan([target("a", 1), target("b")], at(1_000))
    assert.deepStrictEqual(keys(probing.begin(at(2_000))), ["a", "b"])
    assert.strictEqual(probing.probed.find(({ target: { key } }) => key === "a")?.health.state, "unhealthy")
  })

  it("begins with what a file told, once", () => {
    const fallen = { ...initialHealth(0), state: "unhealthy" as const }
    const probing = new Probing(
      new Map([
        ["a", fallen],
        ["b", fallen]
      ])
    )
    probing.plan([target("a")], at(0))
    probing.plan([target("a"), target("b")], at(0))
    assert.deepStrictEqual(
      probing.probed.map(({ health }) => health.state),
      ["unhealthy", "healthy"]
    )
  })

  it("waits until the next is due, and looks at the plan every second", () => {
    const probing = new Probing()
    assert.strictEqual(probing.waitMillis(0), 1_000)
    probing.plan([target("a")], at(0, 0.25))
    assert.strictEqual(probing.waitMillis(0), 250)
    assert.strictEqual(probing.waitMillis(9_999), 0)
    probing.begin(at(9_999))
    assert.strictEqual(probing.waitMillis(9_999), 1_000, "also while it is in flight")
  })
})
