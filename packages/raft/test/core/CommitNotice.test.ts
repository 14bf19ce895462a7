/** When followers learn what is committed: they apply by it, and answer what was forwarded from them. */
import { assert, describe, it } from "@effect/vitest"
import type { AppendRequest } from "../../src/core/Message.ts"
import type { Options } from "../../src/core/Options.ts"
import { bytes, Network } from "./Network.ts"

const led = (options: Partial<Options> = {}): Network => {
  const network = new Network(["a", "b", "c"], options)
  network.elect("a")
  network.tick(2)
  return network
}

describe("a follower learns what is committed", () => {
  /** Appends without entries that were sent to a follower. */
  const notices = (network: Network, to: string): ReadonlyArray<AppendRequest> =>
    network.sent.flatMap((message) =>
      message._tag === "AppendRequest" && message.to === to && message.entries.length === 0 ? [message] : []
    )
  const fill = (network: Network, count: number): void => {
    network.sent.length = 0
    for (let i = 0; i < count; i++) network.input("a", { _tag: "Propose", context: `p${i}`, data: [bytes(`${i}`)] })
    network.deliver()
  }

  it("at once when nothing else is on its way, with one message each", () => {
    const network = led()
    fill(network, 1)
    assert.deepStrictEqual([network.state("b").commit, network.state("c").commit], [2, 2])
    for (const id of ["b", "c"]) {
      assert.deepStrictEqual(
        notices(network, id).map(({ commit }) => commit),
        [2]
      )
    }
    assert.lengthOf(network.sent, 8)
  })

  it("also when the follower itself is the slow one", () => {
    const network = led()
    network.node("c").holdDisk = true
    fill(network, 1)
    assert.strictEqual(network.state("c").commit, 2)
    network.flush("c")
    assert.deepStrictEqual(network.node("c").applied, ["0"])
  })

  it("of twenty entries that were sent one by one by a few messages, the last of which is not late", () => {
    const network = led()
    fill(network, 20)
    assert.deepStrictEqual([network.state("b").commit, network.state("c").commit], [21, 21])
    for (const id of ["b", "c"]) assert.isAtMost(notices(network, id).length, 2)
  })

  it("with the next entries when there are some", () => {
    const network = led()
    network.filter = ({ _tag }) => _tag !== "AppendAccepted"
    network.propose("a", "x")
    network.propose("a", "y")
    network.sent.length = 0
    const { term } = network.state("a")
    network.receive({ _tag: "AppendAccepted", from: "b", to: "a", term, index: 2 })
    network.receive({ _tag: "AppendAccepted", from: "b", to: "a", term, index: 3 })
    assert.deepStrictEqual(
      notices(network, "c").map(({ commit }) => commit),
      [2]
    )
    network.propose("a", "z")
    assert.strictEqual(network.state("c").commit, 3)
  })

  it("with the next heartbeat when the message was lost", () => {
    const network = led()
    network.filter = (message) => message._tag !== "AppendRequest" || message.entries.length > 0
    fill(network, 1)
    assert.strictEqual(network.state("b").commit, 1)
    network.tick(2)
    assert.strictEqual(network.state("b").commit, 2)
    network.heal()
    fill(network, 1)
    assert.strictEqual(network.state("b").commit, 3)
  })

  it("after a burst whose first message was lost as well", () => {
    const network = led()
    let isFirst = true
    network.filter = (message) => {
      const isLost = message._tag === "AppendRequest" && message.entries.length === 0 && message.to === "b" && isFirst
      if (isLost) isFirst = false
      return !isLost
    }
    fill(network, 5)
    assert.strictEqual(network.state("b").commit, 6)
  })

  describe("when it may wait a tick for it", () => {
    const commits = (network: Network): ReadonlyArray<number> => ["b", "c"].map((id) => network.state(id).commit)
    /** The first commit for a while was told at once, and this is the same tick. */
    const busy = (): Network => {
      const network = led({ commitNoticeTicks: 1 })
      network.tick()
      fill(network, 1)
      assert.deepStrictEqual(commits(network), [2, 2])
      network.sent.length = 0
      return network
    }

    it("by the next entries, and by the next tick when there are none", () => {
      const network = busy()
      network.propose("a", "x")
      assert.deepStrictEqual(commits(network), [2, 2])
      network.propose("a", "y")
      assert.deepStrictEqual(commits(network), [3, 3])
      assert.deepStrictEqual([...notices(network, "b"), ...notices(network, "c")], [])
      network.tick()
      assert.deepStrictEqual(commits(network), [4, 4])
    })

    it("at once when it forwarded what is committed", () => {
      const network = busy()
      network.propose("b", "x")
      assert.deepStrictEqual(commits(network), [3, 2])
      network.tick()
      assert.deepStrictEqual(commits(network), [3, 3])
    })
  })
})
