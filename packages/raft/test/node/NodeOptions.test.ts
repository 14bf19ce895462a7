import { assert, describe, it } from "@effect/vitest"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"

const { core, flushStallMillis, hostLostMillis, hostStallMillis, tickMillis } = defaultNodeOptions

describe("a node's times, unless they are set", () => {
  it("are a heartbeat every 50 ms, and elections after 250 to 500 ms (rule 15)", () => {
    assert.strictEqual(core.heartbeatTicks * tickMillis, 50)
    assert.strictEqual(core.electionTicks * tickMillis, 250)
  })

  it("let a flush take 2 s (rule 13), and the main thread 5 s and 15 s (rule 14)", () => {
    assert.deepStrictEqual([flushStallMillis, hostStallMillis, hostLostMillis], [2_000, 5_000, 15_000])
    assert.strictEqual(core.unappliedEntriesMax, 10_000)
  })
})
