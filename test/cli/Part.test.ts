import { assert, describe, it } from "@effect/vitest"
import { singlePart, succeeded, summaryLine, table } from "../../cli/tooling/Part.ts"
import type { PartResult } from "../../cli/tooling/Part.ts"
import { select } from "../../cli/tooling/Selection.ts"
import { countReport } from "../../cli/tooling/VitestPart.ts"
import { checkParts } from "../../cli/tooling/CheckParts.ts"
import { budgetSeconds, projects } from "../support/Budget.ts"

const part = (counts: Partial<PartResult>): PartResult => ({
  name: "unit",
  passed: 0,
  failed: 0,
  skipped: 0,
  seconds: 1,
  failures: [],
  ...counts
})

describe("the end of a run", () => {
  it("sums all parts in one line", () => {
    const parts = [part({ passed: 2, skipped: 1 }), singlePart("types", 1, ["types failed"]), singlePart("lint", 1, [])]
    assert.strictEqual(summaryLine(parts), "3 passed, 1 failed, 1 skipped")
  })

  it("fails on a failure, and on a skip where skips fail", () => {
    assert.isFalse(succeeded([part({ failed: 1 })], false))
    assert.isTrue(succeeded([part({ passed: 1, skipped: 1 })], false))
    assert.isFalse(succeeded([part({ passed: 1, skipped: 1 })], true))
  })

  it("says which part took longer than its budget", () => {
    const lines = table([part({ seconds: 3, budgetSeconds: 2 }), part({ seconds: 1, budgetSeconds: 2 })]).split("\n")
    assert.match(lines[1] ?? "", /3\.0\s+2 \(over\)$/)
    assert.match(lines[2] ?? "", /1\.0\s+2$/)
  })
})

describe("a report of vitest", () => {
  const file = (status: string, ...tests: ReadonlyArray<string>) => ({
    name: "/a.test.ts",
    status,
    message: "it does not load\nat …",
    assertionResults: tests.map((test) => ({ fullName: "a", status: test }))
  })
  const count = (report: Parameters<typeof countReport>[0], exitCode = 0, timedOut = false) => {
    const { failed, passed, skipped } = countReport(report, { exitCode, timedOut })
    return [passed, failed, skipped]
  }

  it("counts tests by their status, whatever a skip is called", () => {
    const report = { success: false, testResults: [file("failed", "passed", "failed", "pending", "todo", "skipped")] }
    assert.deepStrictEqual(count(report, 1), [1, 1, 3])
  })

  it("counts a file that does not load as a failure", () => {
    assert.deepStrictEqual(count({ success: false, testResults: [file("failed")] }, 1), [0, 1, 0])
  })

  it("counts an error outside any test as a failure", () => {
    assert.deepStrictEqual(count({ success: false, testResults: [file("passed", "passed")] }, 1), [1, 1, 0])
    assert.deepStrictEqual(count(undefined, 1), [0, 1, 0])
  })

  it("counts a part stopped at the deadline as a failure", () => {
    assert.deepStrictEqual(count(undefined, 1, true), [0, 1, 0])
  })

  it("passes when nothing failed", () => {
    assert.deepStrictEqual(count({ success: true, testResults: [file("passed", "passed")] }), [1, 0, 0])
  })
})

describe("the budgets", () => {
  it("leave a minute and a half of twenty, also when each part takes all of its own", () => {
    const parts = [...Object.values(budgetSeconds), ...checkParts.map((part) => part.budgetSeconds)]
    const seconds = parts.reduce((total, one) => total + one, 0)
    assert.isAtMost(seconds, 20 * 60 - 90)
  })
})

describe("the arguments of npm test", () => {
  it("none mean everything", () => assert.deepStrictEqual(select([]), { checks: true, projects, filters: [] }))

  it("name parts", () => {
    assert.deepStrictEqual(select(["unit", "check"]), { checks: true, projects: ["unit"], filters: [] })
  })

  it("name files, which are looked for in the parts that can hold them", () => {
    const path = "packages/core/test/nginx"
    assert.deepStrictEqual(select([path]), { checks: false, projects: ["unit"], filters: [path] })
    assert.deepStrictEqual(select(["test/e2e/Reload.test.ts"]).projects, ["e2e"])
    assert.deepStrictEqual(select(["test/chaos/Failover.test.ts"]).projects, ["cluster", "chaos"])
    assert.deepStrictEqual(select(["Reload"]).projects, projects)
  })
})
