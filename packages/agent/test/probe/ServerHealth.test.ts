import { assert, describe, it } from "@effect/vitest"
import {
  afterResult,
  type Failure,
  initialHealth,
  passesNeeded,
  type ServerHealth
} from "@nxmesh/agent/probe/ServerHealth"

const thresholds = { healthy: 2, unhealthy: 3 }
const minute = 60_000

/** After these results, one a second. */
const after = (results: ReadonlyArray<Failure>, from: ServerHealth = initialHealth(0), startMillis = 0): ServerHealth =>
  results.reduce((health, result, at) => afterResult(health, result, thresholds, startMillis + 1_000 * (at + 1)), from)

const bad = "status 503"

describe("ServerHealth", () => {
  it("is healthy until as many failures in a row as the policy says, and remembers why", () => {
    assert.strictEqual(after([bad, bad]).state, "healthy")
    const fallen = after([bad, bad, "connection refused"])
    assert.deepInclude(fallen, { state: "unhealthy", sinceMillis: 3_000, reason: "connection refused", against: 0 })
  })

  it("counts failures anew after each pass", () => {
    assert.strictEqual(after([bad, bad, null, bad, bad]).state, "healthy")
    assert.strictEqual(after([bad, bad, null, bad, bad, bad]).state, "unhealthy")
  })

  it("is unhealthy until as many passes in a row, counted anew after each failure", () => {
    const fallen = after([bad, bad, bad])
    assert.strictEqual(after([null, bad, null], fallen).state, "unhealthy")
    assert.deepInclude(after([null, null], fallen, minute), {
      state: "healthy",
      sinceMillis: minute + 2_000,
      recoveredAtMillis: minute + 2_000
    })
  })

  it("tells the newest reason while it stays unhealthy, and changes nothing while all is well", () => {
    assert.strictEqual(after(["timeout"], after([bad, bad, bad])).reason, "timeout")
    const well = initialHealth(0)
    assert.strictEqual(after([null], well), well)
  })

  it("needs twice the passes with each relapse, up to a bound, and the plain number again after a good while", () => {
    let health = after([bad, bad, bad])
    assert.strictEqual(passesNeeded(health, thresholds), 2)
    let now = 0
    const relapse = () => {
      const passes = passesNeeded(health, thresholds)
      const almost = after(
        Array.from({ length: passes - 1 }, () => null),
        health,
        now
      )
      assert.strictEqual(almost.state, "unhealthy")
      now += 1_000 * passes
      health = after([null, bad, bad, bad], almost, now)
      assert.strictEqual(health.state, "unhealthy")
      now += 4_000
    }
    relapse()
    assert.strictEqual(passesNeeded(health, thresholds), 4)
    for (let times = 0; times < 8; times++) relapse()
    assert.strictEqual(passesNeeded(health, thresholds), 32)
    const recovered = after(
      Array.from({ length: 32 }, () => null),
      health,
      now
    )
    assert.strictEqual(recovered.state, "healthy")
    const muchLater = after([bad, bad, bad], recovered, now + 10 * minute)
    assert.strictEqual(passesNeeded(muchLater, thresholds), 2)
  })

  it("takes a clock that was set back for a relapse, and never for more", () => {
    const recovered = after([null, null], after([bad, bad, bad], initialHealth(0), 100 * minute), 100 * minute)
    assert.strictEqual(after([bad, bad, bad], recovered, 0).relapses, 1)
  })

  it("falls and recovers at once with thresholds of one", () => {
    const one = { healthy: 1, unhealthy: 1 }
    const fallen = afterResult(initialHealth(0), bad, one, 1)
    assert.strictEqual(fallen.state, "unhealthy")
    assert.strictEqual(afterResult(fallen, null, one, 2).state, "healthy")
  })
})
