/** What the masters' digests of their states say, by counting them (rule 12). */
import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { judgeChecks, judgeDigests, type StateCheck } from "../../../src/state/digest/JudgeDigests.ts"

const ids = (names: string) => names.split("") as unknown as ReadonlyArray<MasterId>

/** `reports` as in `a1 b1 c2`: who, and its digest. */
const check = (voters: string, reports: string, entry = 1): StateCheck => ({
  entry,
  voters: ids(voters),
  reports: new Map(
    reports
      .split(" ")
      .filter((report) => report !== "")
      .map((report) => [report[0] as MasterId, report.slice(1)])
  )
})

/** Members are the voters and all who reported, unless told. */
const judged = (voters: string, reports: string, { members = "abcdexy", isOver = false } = {}) => {
  const verdict = judgeDigests(check(voters, reports), new Set(ids(members)), isOver)
  switch (verdict._tag) {
    case "Agreed":
      return `${verdict.digest}: ${verdict.odd.join("")}`
    case "Split":
      return verdict.groups.map((group) => group.join("")).join("|")
    case "Unknown":
      return "unknown"
  }
}

describe("the digests of a check (rule 12)", () => {
  it("a majority of those that voted says which state is right, and who is odd (rule 12)", () => {
    assert.strictEqual(judged("abc", "a1 b1 c1"), "1: ")
    assert.strictEqual(judged("abc", "a1 b1"), "1: ")
    assert.strictEqual(judged("abc", "a2 b1 c1"), "1: a")
    assert.strictEqual(judged("abcde", "a1 b2 c1 d2 e1"), "1: bd")
    assert.strictEqual(judged("a", "a1"), "1: ")
  })

  it("masters that only listen are compared, and do not count", () => {
    assert.strictEqual(judged("abc", "a1 b1 x2"), "1: x")
    assert.strictEqual(judged("abc", "a1 x2 y2"), "unknown")
    assert.strictEqual(judged("a", "a1 x2 y2"), "1: xy")
  })

  it("too few answers say nothing, as long as those that are missing could make a majority", () => {
    assert.strictEqual(judged("abc", ""), "unknown")
    assert.strictEqual(judged("abc", "a1"), "unknown")
    assert.strictEqual(judged("abc", "a1 b2"), "unknown")
    assert.strictEqual(judged("abcde", "a1 b2 c1 d2"), "unknown")
  })

  it("without any majority to come nobody's state is right", () => {
    assert.strictEqual(judged("abc", "a1 b2 c3"), "a|b|c")
    assert.strictEqual(judged("ab", "a1 b2"), "a|b")
    assert.strictEqual(judged("abcd", "a1 b1 c2 d2"), "ab|cd")
    assert.strictEqual(judged("abcde", "a1 b2 c3 d4"), "a|b|c|d")
  })

  it("who has not answered when the next check begins is not waited for: a difference is one then", () => {
    assert.strictEqual(judged("abc", "a1 b2", { isOver: true }), "a|b")
    assert.strictEqual(judged("abc", "a1", { isOver: true }), "unknown")
    assert.strictEqual(judged("abcde", "a1 b1", { isOver: true }), "unknown")
  })

  it("who was removed since does not count, so that removing is how a split is decided", () => {
    assert.strictEqual(judged("abc", "a1 b2 c3", { members: "bc" }), "b|c")
    assert.strictEqual(judged("abc", "a1 b2 c3", { members: "c" }), "3: ")
    assert.strictEqual(judged("abc", "a2 b1 c1", { members: "bcx" }), "1: ")
  })

  it("the newest check that says something decides", () => {
    const members = new Set(ids("abc"))
    const split = check("abc", "a1 b2 c3", 1)
    assert.isNull(judgeChecks([], members))
    assert.isNull(judgeChecks([check("abc", "a1", 1), check("abc", "", 2)], members))
    assert.deepInclude(judgeChecks([split, check("abc", "a4", 2), check("abc", "", 3)], members), { entry: 1 })
    assert.deepStrictEqual(judgeChecks([split, check("abc", "a4 b4", 2)], members), {
      entry: 2,
      verdict: { _tag: "Agreed", digest: "4", odd: [] }
    })
    // Over, since the next one has begun.
    assert.strictEqual(judgeChecks([check("abc", "a1 b2", 1), check("abc", "", 2)], members)?.verdict._tag, "Split")
  })
})
