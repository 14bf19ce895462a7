/** How a node learns that it is a member no more (core/Removal.ts). */
import { assert, describe, it } from "@effect/vitest"
import { isRemoved } from "../../src/core/Removal.ts"
import { Network } from "./Network.ts"

const three = ["a", "b", "c"]

const led = (learners: ReadonlyArray<string> = []): Network => {
  const network = new Network(three, {}, learners)
  network.elect("a")
  network.tick(2)
  return network
}

const removed = (network: Network): ReadonlyArray<string> =>
  [...network.nodes.keys()].filter((id) => isRemoved(network.state(id)))

/** What a node sent since the count was `from`. */
const sentBy = (network: Network, id: string, from: number): ReadonlyArray<string> =>
  network.sent.slice(from).flatMap((message) => (message.from === id ? [message._tag] : []))

describe("a node that is removed", () => {
  it("hears of it when that is committed, and asks for nothing any more", () => {
    const network = led()
    network.change("a", ["a", "b"])
    network.deliver()
    assert.deepStrictEqual(removed(network), ["c"])
    const from = network.sent.length
    network.tick(100)
    assert.deepStrictEqual(sentBy(network, "c", from), [])
    assert.isNull(network.state("c").leader)
  })

  it("does not hear of it before: others may need its vote", () => {
    const network = led()
    network.partition(["a", "c"], ["b"])
    network.change("a", ["a", "b"])
    network.tick(3)
    assert.deepStrictEqual(removed(network), [])
    network.partition(["b", "c"], ["a"])
    network.until(() => network.leaders().some((id) => id !== "a"))
  })

  it("that was away is told by the first who is asked for a vote", () => {
    const network = led()
    network.partition(["a", "b"], ["c"])
    network.change("a", ["a", "b"])
    network.tick(60)
    assert.deepStrictEqual(removed(network), [])
    network.filter = ({ from, to }) => (from !== "a" && to !== "a") || (from !== "c" && to !== "c")
    network.until(() => removed(network).length > 0)
    assert.strictEqual(network.state("c").role, "Follower")
    assert.deepStrictEqual(network.leaders(), ["a"])
  })

  it("is told without pre-vote, too, though its term is above all others", () => {
    const network = new Network(three, { preVote: false })
    network.elect("a")
    network.tick(2)
    network.partition(["a", "b"], ["c"])
    network.change("a", ["a", "b"])
    network.tick(100)
    const { term } = network.state("c")
    assert.isAbove(term, network.state("a").term)
    network.heal()
    network.until(() => removed(network).length > 0)
    network.tick(60)
    assert.deepStrictEqual(network.leaders(), ["a"])
  })

  it("may be a learner, which asks when it hears no leader", () => {
    const network = led(["d"])
    network.partition(three, ["d"])
    network.change("a", three)
    network.tick(5)
    network.heal()
    network.until(() => removed(network).length > 0)
    assert.deepStrictEqual(removed(network), ["d"])
  })

  it("may be the leader", () => {
    const network = led()
    network.change("a", ["b", "c"])
    network.tick(3)
    assert.deepStrictEqual(removed(network), ["a"])
  })

  it("is not alone when several are removed at once", () => {
    const network = new Network(["a", "b", "c", "d", "e"])
    network.elect("a")
    network.tick(2)
    network.change("a", three)
    network.tick(3)
    assert.deepStrictEqual(removed(network), ["d", "e"])
  })

  it("is a member again when it is added again, and may lead", () => {
    const network = led()
    network.change("a", ["a", "b"])
    network.tick(3)
    network.change("a", three)
    network.tick(3)
    assert.deepStrictEqual(removed(network), [])
    network.run("a", { _tag: "TransferLeadership", to: "c" })
    network.until(() => network.leaders()[0] === "c")
  })

  it("is removed, also when it hears so after a restart", () => {
    const network = led()
    network.change("a", ["a", "b"])
    network.tick(3)
    network.crash("c")
    network.restart("c")
    assert.deepStrictEqual(removed(network), [])
    network.until(() => removed(network).length > 0)
  })
})

describe("a node that is not removed", () => {
  it("goes on when it hears of a time before it was added, or that it knows more about", () => {
    const network = led()
    network.add("d", null)
    network.change("a", [...three, "d"])
    network.tick(3)
    const { commit } = network.state("d")
    for (const said of [1, commit]) {
      network.run("d", { _tag: "Receive", message: { _tag: "Removed", from: "b", to: "d", term: 1, commit: said } })
    }
    assert.deepStrictEqual(removed(network), [])
  })

  it("is one that waits to be added, whoever it asks", () => {
    const network = led()
    network.add("d", null)
    network.run("d", { _tag: "Receive", message: { _tag: "Removed", from: "b", to: "d", term: 1, commit: 1 } })
    network.tick(50)
    assert.deepStrictEqual(removed(network), [])
    network.change("a", [...three, "d"])
    network.tick(3)
    assert.strictEqual(network.state("d").leader, "a")
  })

  it("is a learner that is cut off: it only asks, and follows its leader again", () => {
    const network = led(["d"])
    network.partition(three, ["d"])
    network.tick(60)
    const { leader, term } = network.state("d")
    assert.deepStrictEqual([leader, term], [null, network.state("a").term])
    network.heal()
    network.tick(3)
    assert.strictEqual(network.state("d").leader, "a")
    assert.deepStrictEqual(removed(network), [])
  })
})
