import { assert, describe, it } from "@effect/vitest"
import { simulate } from "../../src/testing/simulation/Simulation.ts"
import { runSeeds } from "./SeedRange.ts"

const durationMillis = 60_000

describe("a seed", () => {
  it("is one run: the same trace to the byte", { timeout: 60_000 }, () => {
    for (const seed of [1, 2, 3]) {
      const [first, second] = [1, 2].map(() => simulate({ seed, durationMillis, traceLines: 50 }))
      assert.strictEqual(first?.hash, second?.hash)
      assert.deepStrictEqual(first?.trace, second?.trace)
      assert.isAbove(first?.trace.length ?? 0, 0)
    }
  })

  it("is another run than its neighbour", { timeout: 60_000 }, () => {
    assert.notStrictEqual(
      simulate({ seed: 1, durationMillis, traceLines: 0 }).hash,
      simulate({ seed: 2, durationMillis, traceLines: 0 }).hash
    )
  })
})

describe("clusters of production nodes under faults", () => {
  it("keep every property of Raft, execute once, converge, and are linearizable", { timeout: 420_000 }, async () => {
    const done = await runSeeds(1000, { simulatedSeconds: 35, secondsMax: 300 })
    assert.strictEqual(done.exitCode, 0, done.problems)
    assert.isAtLeast(done.seeds, 100)
    assert.isAtLeast(done.operations / done.seeds, 200)
    assert.isAbove(done.leaderChanges / done.seeds, 1)
    assert.isAtMost(done.undecided, done.seeds / 20)
    process.stdout.write(`${done.seeds} seeds, ${done.simulatedHours} simulated hours, ${done.seconds} s\n`)
  })
})
