import { assert, describe, it } from "@effect/vitest"
import { isAgentKeyDue, type MasterKeys, retirable, rotationPlan } from "../../src/keys/KeyDecisions.ts"

const now = "a".repeat(16)
const next = "b".repeat(16)
const other = "c".repeat(16)
const master = (name: string, key_ids: MasterKeys["key_ids"]): MasterKeys => ({ id: name, name, key_ids })
const problem = (...masters: ReadonlyArray<MasterKeys>) => {
  const plan = rotationPlan(now, masters)
  return "problem" in plan ? plan.problem : null
}

describe("a rotation of the key-encryption key", () => {
  it("begins when every master has the present key and the same other one", () => {
    assert.deepStrictEqual(rotationPlan(now, [master("m1", [now, next]), master("m2", [next, now])]), { toKeyId: next })
    // One that is left over on a single master is nobody's choice.
    assert.deepStrictEqual(rotationPlan(now, [master("m1", [now, next, other]), master("m2", [now, next])]), {
      toKeyId: next
    })
  })

  it("does not begin else, and says which master is to be looked after", () => {
    assert.match(problem(master("m1", [now, next]), master("m2", null)) ?? "", /m2 does not say/)
    assert.match(problem(master("m1", [now, next]), master("m2", [next])) ?? "", /m2 lacks the present key/)
    assert.match(problem(master("m1", [now, next]), master("m2", [now])) ?? "", /missing on m2/)
    assert.match(problem(master("m1", [now, next]), master("m2", [now, other])) ?? "", /not the same on every master/)
    assert.match(problem(master("m1", [now])) ?? "", /no master has a next key/)
    assert.match(problem(master("m1", [now, next, other])) ?? "", /several other keys/)
  })
})

describe("an agent's session key", () => {
  const day = 86_400_000
  const due = (agentId: string, ageDays: number, beforeMillis: number | null = null) =>
    isAgentKeyDue({ agentId, rotatedAtMillis: 1_000 * day - ageDays * day, beforeMillis }, 90 * day, 1_000 * day)

  it("is replaced by its age, agents of one night over a fifth of it", () => {
    const agents = Array.from({ length: 1_000 }, (_, index) => `agent-${index}`)
    const dueAt = (ageDays: number) => agents.filter((agent) => due(agent, ageDays)).length
    assert.strictEqual(dueAt(71), 0)
    assert.isAbove(dueAt(81), 350)
    assert.isBelow(dueAt(81), 650)
    assert.strictEqual(dueAt(91), 1_000)
  })

  it("is replaced at once when it is older than what somebody asked for, or of an unknown age", () => {
    assert.isTrue(due("a", 2, 999 * day))
    assert.isFalse(due("a", 0, 999 * day))
    assert.isTrue(isAgentKeyDue({ agentId: "a", rotatedAtMillis: undefined, beforeMillis: null }, day, 0))
  })
})

describe("signing keys", () => {
  const keys = [
    { key_id: "next", signsFromMillis: 2_000 },
    { key_id: "signs", signsFromMillis: 1_000 },
    { key_id: "old", signsFromMillis: 0 }
  ]

  it("are retired when a newer one has signed for as long as tokens last", () => {
    assert.deepStrictEqual(retirable(keys, 500, 1_499), [])
    assert.deepStrictEqual(retirable(keys, 500, 1_500), ["old"])
    assert.deepStrictEqual(retirable(keys, 500, 2_500), ["signs", "old"])
    assert.deepStrictEqual(retirable([], 500, 2_500), [])
  })
})
