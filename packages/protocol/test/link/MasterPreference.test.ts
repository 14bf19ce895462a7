import { preferredOrder } from "@nxmesh/protocol/link/MasterPreference"
import { assert, describe, it } from "@effect/vitest"

const masters = ["m1.example:8443", "m2.example:8443", "m3.example:8443"]
const agents = Array.from(
  { length: 9_000 },
  (_, index) => `018f0000-0000-7000-8000-${index.toString(16).padStart(12, "0")}`
)
const shares = (of: ReadonlyArray<string | undefined>) => {
  const counts = new Map<string | undefined, number>()
  for (const one of of) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts.values()]
}

describe("preferredOrder", () => {
  it("does not depend on the order, the case or the repetition of the addresses", () => {
    for (const agent of agents.slice(0, 50)) {
      const order = preferredOrder(agent, masters)
      assert.deepStrictEqual(preferredOrder(agent, masters.toReversed()), order)
      assert.deepStrictEqual(preferredOrder(agent, [...masters, " M1.Example:8443"]), order)
    }
  })

  it("spreads a fleet evenly, within a tenth", () => {
    const counts = shares(agents.map((agent) => preferredOrder(agent, masters)[0]))
    assert.strictEqual(counts.length, 3)
    for (const count of counts) assert.isTrue(Math.abs(count - 3_000) < 300, String(count))
  })

  it("spreads the agents of a lost master over those that are left", () => {
    const lost = agents.filter((agent) => preferredOrder(agent, masters)[0] === masters[0])
    const counts = shares(lost.map((agent) => preferredOrder(agent, masters)[1]))
    assert.strictEqual(counts.length, 2)
    for (const count of counts) assert.isTrue(Math.abs(count - lost.length / 2) < lost.length / 10, String(count))
  })

  it("moves only agents that prefer the master that comes or goes", () => {
    for (const agent of agents.slice(0, 500)) {
      const [first] = preferredOrder(agent, masters)
      const without = preferredOrder(agent, masters.slice(1))[0]
      if (first !== masters[0]) assert.strictEqual(without, first)
      const [withOneMore] = preferredOrder(agent, [...masters, "m4.example:8443"])
      if (withOneMore !== "m4.example:8443") assert.strictEqual(withOneMore, first)
    }
  })
})
