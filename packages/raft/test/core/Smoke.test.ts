import { assert, describe, it } from "@effect/vitest"
import { Network } from "./Network.ts"

describe("a cluster", () => {
  it("elects a leader by itself, and commits what it is given", () => {
    const network = new Network(["a", "b", "c"])
    network.until(() => network.leaders().length === 1)
    const leader = network.leaders()[0] ?? ""
    network.propose(leader, "x", "y")
    network.tick(3)
    for (const id of ["a", "b", "c"]) assert.deepStrictEqual(network.node(id).applied, ["x", "y"])
  })
  it("with one node too", () => {
    const network = new Network(["a"])
    network.until(() => network.leaders().length === 1)
    network.propose("a", "x")
    assert.deepStrictEqual(network.node("a").applied, ["x"])
  })
})
