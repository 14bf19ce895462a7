import { assert, describe, it } from "@effect/vitest"
import { caughtBugs, rareBugs } from "./Bugs.ts"
import { assertMatches, plant, runPlanted } from "./PlantedBug.ts"

/** Goal: that the simulator finds what it is there to find. Method: sources with one thing made wrong, run seed after seed. */
const limits = { seeds: 200, durationMillis: 60_000, secondsMax: 50 }

describe("a planted bug", () => {
  for (const bug of caughtBugs) {
    it(`is caught: ${bug.name}`, { timeout: 60_000 }, async () => {
      const { ran, caught } = await runPlanted(bug, limits)
      assert.isNotNull(caught, `not caught in ${ran} seeds`)
      assert.notStrictEqual(caught?.kind, "convergence", caught?.message)
    })
  }

  for (const bug of rareBugs) it(`still matches the sources: ${bug.name}`, () => assertMatches(bug))

  it("whose text is gone, or is there twice, is refused", () => {
    const bug = { name: "a", file: "b", find: "one", replace: "two" }
    assert.strictEqual(plant("zero one", bug), "zero two")
    assert.throws(() => plant("zero", bug), /no longer matches/)
    assert.throws(() => plant("one one", bug), /no longer matches/)
  })
})
