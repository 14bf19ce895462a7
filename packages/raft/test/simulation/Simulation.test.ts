import { assert, describe, it } from "@effect/vitest"
import { Counters } from "../../src/testing/simulation/Counters.ts"
import { coverageExpected } from "../../src/testing/simulation/Coverage.ts"
import { simulate } from "../../src/testing/simulation/Simulation.ts"
import { seedsDone } from "./SeedRange.ts"

const durationMillis = 60_000

describe("a seed", () => {
  it("is one run: the same trace to the byte", () => {
    for (const seed of [1, 2, 3]) {
      const [first, second] = [1, 2].map(() => simulate({ seed, durationMillis, traceLines: 50 }))
      assert.strictEqual(first?.hash, second?.hash)
      assert.deepStrictEqual(first?.trace, second?.trace)
      assert.isAbove(first?.trace.length ?? 0, 0)
    }
  })

  it("is another run than its neighbour", () => {
    assert.notStrictEqual(
      simulate({ seed: 1, durationMillis, traceLines: 0 }).hash,
      simulate({ seed: 2, durationMillis, traceLines: 0 }).hash
    )
  })
})

describe("clusters under faults", () => {
  it("keep every property of Raft, converge, and are linearizable for their clients", { timeout: 120_000 }, () => {
    const counters = new Counters()
    const done = seedsDone({ first: 1, last: 500, secondsMax: 30, durationMillis }, counters)
    const missing = done.seeds < 100 ? [] : counters.missing(coverageExpected)
    assert.deepStrictEqual(missing, [], "never happened")
    assert.isAtLeast(done.seeds, 20)
    assert.isAbove(done.operations / done.seeds, 200)
    assert.isAbove(done.leaderChanges / done.seeds, 1)
    assert.isAtMost(done.undecided, done.seeds / 20)
  })
})
