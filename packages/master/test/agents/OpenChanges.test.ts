import { assert, describe, it } from "@effect/vitest"
import { AgentId } from "@nxmesh/protocol/Ids"
import { OpenChanges } from "../../src/agents/OpenChanges.ts"

const agent = (number: number) => AgentId.make(`00000000-0000-4000-8000-00000000000${number}`)

describe("OpenChanges", () => {
  it("closes a change when the last of its agents serves it, and tells how long that took", () => {
    const open = new OpenChanges(100)
    open.opened(1, [agent(1), agent(2)], 1_000)
    open.opened(2, [agent(2)], 1_500)
    assert.deepStrictEqual(open.settled(agent(1), 1_200), [])
    assert.deepStrictEqual(open.settled(agent(3), 1_300), [])
    assert.deepStrictEqual(open.settled(agent(2), 2_000), [1_000, 500])
    assert.strictEqual(open.size, 0)
    assert.deepStrictEqual(open.settled(agent(2), 2_000), [])
  })

  it("never takes less than no time when the clock goes back", () => {
    const open = new OpenChanges(100)
    open.opened(1, [agent(1)], 5_000)
    assert.deepStrictEqual(open.settled(agent(1), 4_000), [0])
  })

  it("is not opened by a change of nobody", () => {
    const open = new OpenChanges(100)
    assert.strictEqual(open.opened(1, [], 0), 0)
    assert.strictEqual(open.size, 0)
  })

  it("gives up the oldest past its bound, and what is too old", () => {
    const open = new OpenChanges(3)
    open.opened(1, [agent(1), agent(2)], 0)
    assert.strictEqual(open.opened(2, [agent(1), agent(2)], 10), 1)
    assert.strictEqual(open.size, 1)
    assert.strictEqual(open.opened(3, [agent(3)], 20), 0)
    assert.strictEqual(open.expire(10), 0)
    assert.strictEqual(open.expire(15), 1)
    assert.deepStrictEqual(open.settled(agent(3), 30), [10])
    // What was given up takes no room any more.
    assert.strictEqual(open.opened(4, [agent(1), agent(2), agent(3)], 40), 0)
  })
})
