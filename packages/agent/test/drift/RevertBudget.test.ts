import { noReverts, type Reverts, spend } from "@nxmesh/agent/drift/RevertBudget"
import { Limits } from "@nxmesh/agent/Limits"
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"

const minute = Duration.toMillis(Limits.revertWait)

/** The times at which files were put back while someone changes them every second. */
const fought = (millis: number): ReadonlyArray<number> => {
  const at: Array<number> = []
  let reverts: Reverts = noReverts
  for (let now = 0; now < millis; now += 1_000) {
    const spent = spend(reverts, now)
    if (spent === null) continue
    reverts = spent
    at.push(now)
  }
  return at
}

describe("RevertBudget", () => {
  it("puts back at once the first times, then after waits that double", () => {
    assert.deepStrictEqual(fought(8 * minute), [
      0,
      1_000,
      2_000,
      2_000 + minute,
      2_000 + 3 * minute,
      2_000 + 7 * minute
    ])
  })
  it("never waits longer than the longest wait, and never fights more often than that", () => {
    const day = fought(24 * 60 * minute)
    const longest = Math.max(...day.slice(1).map((now, index) => now - (day[index] ?? 0)))
    assert.strictEqual(longest, Duration.toMillis(Limits.revertWaitMax))
    assert.isBelow(day.length, 40)
  })
  it("begins again after a quiet time", () => {
    const quiet = Duration.toMillis(Limits.revertQuiet)
    assert.deepStrictEqual(spend({ count: 9, lastMillis: 5 }, 5 + quiet), { count: 1, lastMillis: 5 + quiet })
  })
})
