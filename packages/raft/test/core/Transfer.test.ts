import { assert, describe, it } from "@effect/vitest"
import { defaultOptions } from "../../src/core/Options.ts"
import { Network } from "./Network.ts"

const led = (): Network => {
  const network = new Network(["a", "b", "c"], {}, ["l"])
  network.elect("a")
  network.tick(3)
  return network
}

describe("a transfer", () => {
  it("makes the target leader at once, in the next term, whatever the lease", () => {
    const network = led()
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    assert.deepStrictEqual(network.leaders(), ["b"])
    assert.strictEqual(network.state("b").term, 2)
  })

  it("can be asked of a follower", () => {
    const network = led()
    network.run("c", { _tag: "TransferLeadership", to: "b" })
    assert.deepStrictEqual(network.leaders(), ["b"])
  })

  it("loses and doubles no proposal made meanwhile (scenario 55)", () => {
    const network = led()
    for (let i = 0; i < 20; i++) {
      const [leader = "a"] = network.leaders()
      network.input(leader, { _tag: "TransferLeadership", to: leader === "a" ? "b" : "a" })
      for (const id of ["a", "b", "c"]) {
        network.input(id, { _tag: "Propose", context: `${id}${i}`, data: [new TextEncoder().encode(`${id}${i}`)] })
      }
      network.deliver()
      network.tick(2)
    }
    const accepted = ["a", "b", "c"].flatMap((id) => network.node(id).accepted.map(({ context }) => context))
    const { applied } = network.node("c")
    assert.strictEqual(new Set(applied).size, applied.length)
    for (const context of accepted) assert.include(applied, context)
    const answered = ["a", "b", "c"].flatMap((id) => network.node(id).dropped.map(({ context }) => context))
    assert.isAbove(answered.length, 0)
    for (const context of answered) assert.notInclude(applied, context)
  })

  it("brings the target up to date first", () => {
    const network = led()
    network.partition(["a", "c", "l"], ["b"])
    network.propose("a", "x", "y")
    network.heal()
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.tick(4)
    assert.deepStrictEqual(network.leaders(), ["b"])
    assert.deepStrictEqual(network.node("b").applied, ["x", "y"])
  })

  it("to a node that does not answer ends within an election timeout (scenario 56)", () => {
    const network = led()
    network.crash("b")
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.propose("a", "x")
    assert.strictEqual(network.node("a").dropped[0]?.reason, "TransferInProgress")
    network.tick(defaultOptions.electionTicks)
    network.propose("a", "y")
    assert.deepStrictEqual(network.node("c").applied, ["y"])
    assert.deepStrictEqual(network.leaders(), ["a"])
  })

  it("to itself, a learner or a stranger is none (scenario 56)", () => {
    for (const to of ["a", "l", "z"]) {
      const network = led()
      network.run("a", { _tag: "TransferLeadership", to })
      assert.strictEqual(network.state("a").transfer, null)
      network.propose("a", "x")
      assert.deepStrictEqual(network.node("a").applied, ["x"])
    }
  })

  it("tells the target once, however many steps follow", () => {
    const network = led()
    network.filter = ({ _tag }) => _tag !== "TimeoutNow"
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.tick(5)
    assert.lengthOf(
      network.sent.filter(({ _tag }) => _tag === "TimeoutNow"),
      1
    )
  })

  it("that is asked for again and again lasts no longer", () => {
    const network = led()
    network.crash("b")
    for (let ticks = 0; ticks <= defaultOptions.electionTicks; ticks++) {
      if (ticks < defaultOptions.electionTicks) network.run("a", { _tag: "TransferLeadership", to: "b" })
      network.tick()
    }
    assert.strictEqual(network.state("a").transfer, null)
  })

  it("finds out at once what the target lost, and needs no heartbeat for it", () => {
    const network = led()
    network.filter = (message) => message.to !== "b" || message._tag !== "AppendRequest"
    network.propose("a", "x")
    network.heal()
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    assert.deepStrictEqual(network.leaders(), ["b"])
    assert.deepStrictEqual(network.node("b").applied, ["x"])
  })

  it("is over for who led when it steps down", () => {
    const network = led()
    network.filter = ({ _tag }) => _tag !== "TimeoutNow"
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.run("a", { _tag: "StepDown" })
    assert.strictEqual(network.state("a").transfer, null)
  })

  it("to a node that is removed meanwhile ends", () => {
    const network = led()
    network.input("a", {
      _tag: "ProposeConfiguration",
      context: "c",
      voters: ["a", "c"],
      learners: ["l"],
      autoLeave: true,
      expectedIndex: null
    })
    network.input("a", { _tag: "TransferLeadership", to: "b" })
    network.deliver()
    assert.strictEqual(network.state("a").transfer, null)
  })
})
