import { assert, describe, it } from "@effect/vitest"
import { coreBugs } from "./CoreBugs.ts"
import { nodeBugs } from "./NodeBugs.ts"
import { assertMatches, plant } from "./PlantedBug.ts"
import { PlantedRuns } from "./PlantedRuns.ts"
import { rareBugs } from "./RareBugs.ts"
import { storageBugs } from "./StorageBugs.ts"

/** Goal: that the simulator finds what it is there to find. Method: sources with one thing made wrong, run seed after seed. */
const runs = new PlantedRuns({ seeds: 200, durationMillis: 60_000, secondsMax: 90 })

describe("a planted bug", () => {
  for (const [part, bugs] of Object.entries({ core: coreBugs, node: nodeBugs, storage: storageBugs })) {
    describe(`of the ${part}`, () => {
      for (const bug of bugs) {
        it.concurrent(`is caught: ${bug.name}`, { timeout: 600_000 }, async () => {
          const { ran, caught } = await runs.outcome(bug)
          assert.isNotNull(caught, `not caught in ${ran} seeds`)
          assert.include(["safety", "linearizability"], caught?.kind, caught?.message)
        })
      }
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
