import { assert, describe, it } from "@effect/vitest"
import { judgeChange, judgeVoters, majority, sizeAdvice, toleratedFailures } from "../../src/cluster/Quorum.ts"
import { masterId } from "../state/TestCluster.ts"

const ids = (...numbers: ReadonlyArray<number>) => numbers.map(masterId)
const alive = (...numbers: ReadonlyArray<number>) => new Set(ids(...numbers))

describe("Quorum", () => {
  it("any two majorities share a voter, and no smaller number would do", () => {
    for (let voters = 1; voters <= 9; voters += 1) {
      assert.isAbove(2 * majority(voters), voters)
      assert.isAtMost(2 * (majority(voters) - 1), voters)
      assert.strictEqual(toleratedFailures(voters), voters - majority(voters))
    }
    assert.strictEqual(toleratedFailures(0), 0)
  })

  it("voters go on while a majority of them is alive", () => {
    assert.deepStrictEqual(judgeVoters(ids(1, 2, 3), alive(1, 2)), { _tag: "Kept" })
    assert.deepStrictEqual(judgeVoters(ids(1, 2, 3), alive(1, 4)), {
      _tag: "Lost",
      alive: 1,
      needed: 2,
      down: ids(2, 3)
    })
    assert.deepStrictEqual(judgeVoters([], alive(1)), { _tag: "NoVoters" })
  })

  it("a dead voter may be removed while the rest has a majority; a living one not when a dead one then decides", () => {
    const members = { desired: ids(1, 2, 3), present: ids(1, 2, 3), alive: alive(1, 2) }
    assert.deepStrictEqual(judgeChange({ _tag: "Remove", id: masterId(3) }, members), { _tag: "Kept" })
    assert.deepInclude(judgeChange({ _tag: "Remove", id: masterId(2) }, members), { _tag: "Lost", down: ids(3) })
    assert.deepInclude(judgeChange({ _tag: "Vote", id: masterId(2), voter: false }, members), { _tag: "Lost" })
  })

  it("a dead master does not become a voter when the others then would be no majority", () => {
    const two = { desired: ids(1, 2), present: ids(1, 2), alive: alive(1, 2) }
    assert.deepStrictEqual(judgeChange({ _tag: "Vote", id: masterId(3), voter: true }, two), { _tag: "Kept" })
    const one = { desired: ids(1), present: ids(1), alive: alive(1) }
    assert.deepInclude(judgeChange({ _tag: "Vote", id: masterId(2), voter: true }, one), { _tag: "Lost", needed: 2 })
  })

  it("while members come and go, neither those wanted nor those that Raft counts may lose their majority", () => {
    const joining = { desired: ids(1, 2, 3), present: ids(1, 2), alive: alive(1, 2, 3) }
    assert.deepStrictEqual(judgeChange({ _tag: "Remove", id: masterId(2) }, joining), { _tag: "Kept" })
    const dead = { desired: ids(1, 2, 3), present: ids(1, 2), alive: alive(1, 2) }
    assert.deepInclude(judgeChange({ _tag: "Remove", id: masterId(2) }, dead), { _tag: "Lost", down: ids(3) })
    const leaving = { desired: ids(1, 2), present: ids(1, 2, 3), alive: alive(1, 2) }
    assert.deepInclude(judgeChange({ _tag: "Remove", id: masterId(2) }, leaving), { _tag: "Lost", down: ids(3) })
    assert.deepStrictEqual(
      judgeChange({ _tag: "Remove", id: masterId(1) }, { ...dead, desired: ids(1), present: ids(1) }),
      {
        _tag: "NoVoters"
      }
    )
  })

  it("advises an odd number from three to seven", () => {
    const advised = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((voters) => sizeAdvice(voters) !== null)
    assert.deepStrictEqual(advised, [true, true, false, true, false, true, false, true, true])
    assert.strictEqual(sizeAdvice(2), "two voters tolerate no failure: add a third")
    assert.strictEqual(
      sizeAdvice(4),
      "4 voters tolerate one failure, as 3 do: add one or demote one, so that their number is odd"
    )
    assert.isNull(sizeAdvice(0))
  })
})
