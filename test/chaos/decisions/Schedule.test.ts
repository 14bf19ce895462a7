import { assert, describe, it } from "@effect/vitest"
import { faultKinds, schedule } from "../Schedule.ts"
import type { PlannedFault } from "../Schedule.ts"

const take = (seed: number, count: number): ReadonlyArray<PlannedFault> => {
  const faults = schedule(seed, faultKinds)
  return Array.from({ length: count }, () => faults.next().value)
}

describe("a schedule of faults", () => {
  it("is the same for the same seed, and another for another", () => {
    assert.deepStrictEqual(take(7, 50), take(7, 50))
    assert.notDeepEqual(take(7, 50), take(8, 50))
  })

  it("has every kind once before any comes twice", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const kinds = take(seed, faultKinds.length * 3).map(({ kind }) => kind)
      for (let deck = 0; deck < 3; deck++) {
        const dealt = kinds.slice(deck * faultKinds.length, (deck + 1) * faultKinds.length)
        assert.deepStrictEqual(dealt.toSorted(), faultKinds.toSorted())
      }
    }
  })

  it("pauses a master for longer than an election, and leaves time between faults", () => {
    for (const fault of take(3, 500)) {
      if (fault.kind === "pause") assert.isAtLeast(fault.holdMillis, 1_500)
      assert.isAtLeast(fault.afterMillis, 500)
      assert.isAtMost(Math.abs(fault.skewMillis), 60_000)
    }
  })

  it("hits leaders and followers", () => {
    const victims = take(5, 500).map(({ victim }) => victim)
    for (const victim of ["leader", 0, 1] as const) assert.isAbove(victims.filter((one) => one === victim).length, 50)
  })
})
