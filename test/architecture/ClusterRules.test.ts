import { assert, describe, it } from "@effect/vitest"
import { assertNone, planted } from "./Planted.ts"
import { clusterRules, rulesNamedIn, untestedRules } from "./rules/ClusterRules.ts"
import { filesEnding } from "./rules/Repository.ts"

/** This file plants titles of its own. */
const tests = filesEnding(".test.ts").filter(({ path }) => !path.startsWith("test/architecture/"))

const named = (...lines: ReadonlyArray<string>) => [...rulesNamedIn(planted("a.test.ts", ...lines))]

describe("the titles of tests", () => {
  it("name rules in every form that is used", () => {
    assert.deepStrictEqual(named('it("holds (rule 8)", () => {'), [8])
    assert.deepStrictEqual(named('describe("rule 20: an epoch, and rule 1: another", () => {'), [20, 1])
    assert.deepStrictEqual(named("    `part ${part} (scenario 51, rule 15)`,"), [15])
    assert.deepStrictEqual(named('it("holds (rules 2, 9 and 12)", () => {'), [2, 9, 12])
  })

  it("are no comments, and no words that only look like it", () => {
    assert.deepStrictEqual(named('// as in "rule 8"', ' * "rule 9"', "const rule = 8", 'it("a ruler 8", () => {'), [])
  })

  it("are missed where a rule has none, and found where there is no such rule", () => {
    const all = [...clusterRules.keys()].filter((number) => number !== 17)
    const file = planted("a.test.ts", ...all.map((number) => `it("rule ${number}: holds", () => {`))
    const findings = untestedRules([file, planted("b.test.ts", 'it("holds (rule 21)", () => {')])
    assert.deepStrictEqual(
      findings.map((finding) => finding.slice(0, 20)),
      ["rule 17 (what change", "b.test.ts: there is "]
    )
  })

  it("name every rule of the cluster", () => assertNone(untestedRules(tests)))
})
