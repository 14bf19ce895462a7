import { assert, describe, it } from "@effect/vitest"
import { acknowledgedShare, fullExpectations, judge, summary } from "../Judgement.ts"
import type { RunFacts } from "../Judgement.ts"
import { faultKinds } from "../Schedule.ts"

const good: RunFacts = {
  seed: 1,
  seconds: 60,
  faults: Object.fromEntries(faultKinds.map((kind) => [kind, 1])),
  leaderChanges: 5,
  operations: {
    calm: { answered: 5_000, refused: 0, unknown: 0 },
    faulty: { answered: 4_000, refused: 900, unknown: 100 }
  },
  verdict: { kind: "linearizable" },
  probes: { a1: { requests: 500, failures: 0, reasons: {} } },
  problems: []
}

const problemsOf = (facts: Partial<RunFacts>): ReadonlyArray<string> => judge({ ...good, ...facts }, fullExpectations)

describe("the judgement of a chaos run", () => {
  it("is good when everything was tried and nothing is wrong", () => assert.deepStrictEqual(problemsOf({}), []))

  it("names each fault that never happened", () => {
    const { kill: _kill, pause: _pause, ...faults } = good.faults
    assert.deepStrictEqual(problemsOf({ faults }), ["the fault kill never happened", "the fault pause never happened"])
  })

  it("wants enough elections and operations", () => {
    assert.lengthOf(problemsOf({ leaderChanges: 4 }), 1)
    const calm = { answered: 4_999, refused: 0, unknown: 0 }
    assert.deepStrictEqual(problemsOf({ operations: { ...good.operations, calm } }), [
      "there were 9999 operations, fewer than 10000"
    ])
  })

  it("wants half of the operations outside of faults acknowledged, whatever happens during faults", () => {
    const half = { answered: 2_500, refused: 2_000, unknown: 500 }
    const less = { answered: 2_499, refused: 2_001, unknown: 500 }
    const faulty = { answered: 0, refused: 5_000, unknown: 0 }
    assert.deepStrictEqual(problemsOf({ operations: { calm: half, faulty } }), [])
    assert.lengthOf(problemsOf({ operations: { calm: less, faulty } }), 1)
    assert.strictEqual(acknowledgedShare({ answered: 0, refused: 0, unknown: 0 }), 0)
  })

  it("fails for one visitor who was not served, and for too few visitors", () => {
    const probes = {
      a1: { requests: 500, failures: 1, reasons: { ECONNREFUSED: 1 } },
      a2: { requests: 99, failures: 0, reasons: {} }
    }
    assert.deepStrictEqual(problemsOf({ probes }), [
      '1 of 500 visitors of a1 were not served: {"ECONNREFUSED":1}',
      "a2 was visited 99 times, fewer than 100"
    ])
  })

  it("fails for a history that is violated or undecided, and for what the checks found", () => {
    assert.lengthOf(problemsOf({ verdict: { kind: "violated", key: "k", explanation: "a stale read" } }), 1)
    assert.lengthOf(problemsOf({ verdict: { kind: "undecided", key: "k" } }), 1)
    assert.deepStrictEqual(problemsOf({ problems: ["a write is lost"] }), ["a write is lost"])
  })

  it("is summed up with every figure", () => {
    const text = summary(good)
    for (const figure of ["seed 1", "5 changes", "kill 1", "5000 answered", "900 refused", "100 unknown", "a1 500"]) {
      assert.include(text, figure)
    }
  })
})
