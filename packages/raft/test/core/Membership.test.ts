import { assert, describe, it } from "@effect/vitest"
import { isJoint } from "../../src/core/Configuration.ts"
import { lastIndex } from "../../src/core/Log.ts"
import { configurationOf } from "../../src/core/State.ts"
import { step } from "../../src/core/Step.ts"
import { configuration, Network } from "./Network.ts"

const three = ["a", "b", "c"]
const reasons = (network: Network, id: string): ReadonlyArray<string> =>
  network.node(id).dropped.map(({ reason }) => reason)

const led = (...joining: ReadonlyArray<string>): Network => {
  const network = new Network(three)
  for (const id of joining) network.add(id, null)
  network.elect("a")
  network.tick(2)
  return network
}

describe("one voter more or less", () => {
  it("is one step, and in effect when it is appended (rule 15)", () => {
    const network = led("d")
    network.filter = () => false
    network.change("a", [...three, "d"])
    assert.deepStrictEqual(configurationOf(network.state("a")), configuration([...three, "d"]))
    assert.strictEqual(network.state("a").commit, 1)
  })

  it("brings the newcomer everything there is", () => {
    const network = led("d")
    network.propose("a", "x")
    network.change("a", [...three, "d"])
    network.tick(5)
    assert.deepStrictEqual(network.node("d").applied, ["x"])
    assert.deepStrictEqual(network.voters("d"), [...three, "d"])
  })

  it("waits for an entry of the leader's own term (scenario 45)", () => {
    const network = led()
    network.filter = ({ _tag, from }) => _tag !== "AppendRequest" || from !== "b"
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    assert.deepStrictEqual(network.leaders(), ["b"])
    network.change("b", ["a", "b"])
    assert.deepStrictEqual(reasons(network, "b"), ["ConfigurationBeforeTermCommit"])
  })

  it("lets two leaders' changes not decide with majorities that do not overlap (scenario 45)", () => {
    // The counterexample to the single-server algorithm as first published: a adds e, b removes a, neither knows.
    const network = new Network(["a", "b", "c", "d"])
    network.add("e", null)
    network.elect("a")
    network.tick(2)
    network.partition(["a"], ["b", "c", "d"], ["e"])
    network.change("a", ["a", "b", "c", "d", "e"])
    network.until(() => network.leaders().some((id) => id !== "a"))
    const [second = ""] = network.leaders().filter((id) => id !== "a")
    network.change(second, ["b", "c", "d"])
    network.tick(3)
    network.heal()
    network.tick(40)
    assert.lengthOf(network.leaders(), 1)
    assert.deepStrictEqual(network.voters(network.leaders()[0] ?? ""), ["b", "c", "d"])
  })

  it("is one at a time, and only over the configuration that was meant", () => {
    const network = led("d")
    network.filter = () => false
    network.change("a", [...three, "d"])
    network.change("a", three)
    assert.deepStrictEqual(reasons(network, "a"), ["ConfigurationInProgress"])
    network.heal()
    network.tick(5)
    const change = { _tag: "ProposeConfiguration", context: "x", voters: three, learners: [], autoLeave: true } as const
    network.run("a", { ...change, expectedIndex: 1 })
    network.run("a", { ...change, expectedIndex: 99 })
    assert.deepStrictEqual(reasons(network, "a").slice(1), ["ConfigurationOutdated", "ConfigurationOutdated"])
    network.run("a", { ...change, expectedIndex: 2 })
    assert.deepStrictEqual(network.voters("a"), three)
  })

  it("is refused while leadership is handed over", () => {
    const network = led("d")
    network.filter = ({ _tag }) => _tag !== "TimeoutNow"
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.change("a", [...three, "d"])
    assert.deepStrictEqual(reasons(network, "a"), ["TransferInProgress"])
  })

  it("needs a voter, and each node once", () => {
    const network = led()
    network.change("a", [])
    network.change("a", ["a", "b"], ["b"])
    network.change("b", ["a"])
    assert.deepStrictEqual(reasons(network, "a"), ["ConfigurationInvalid", "ConfigurationInvalid"])
    assert.deepStrictEqual(reasons(network, "b"), ["NotLeader"])
  })

  it("is undone with its entry (scenario 51, rule 15)", () => {
    const network = led("d")
    network.partition(["a"], ["b", "c"], ["d"])
    network.change("a", [...three, "d"])
    network.until(() => network.leaders().some((id) => id !== "a"))
    network.heal()
    network.tick(10)
    assert.deepStrictEqual(network.voters("a"), three)
    assert.lengthOf(network.state("a").configurations, 1)
  })
})

describe("a joint configuration", () => {
  it("is left before the members change again, though it is committed", () => {
    const network = led("d", "e")
    network.change("a", ["a", "d", "e"], [], false)
    network.tick(5)
    assert.strictEqual(network.state("a").commit, network.last("a"))
    network.change("a", ["a", "d"])
    assert.deepStrictEqual(reasons(network, "a"), ["ConfigurationInProgress"])
    network.run("a", { _tag: "LeaveJoint", context: "leave" })
    network.tick(5)
    assert.deepStrictEqual(network.voters("e"), ["a", "d", "e"])
  })

  it("of newcomers that were not heard yet deposes nobody at the next check of the quorum", () => {
    const network = new Network(["a"])
    network.elect("a")
    const { electionTicks } = network.state("a").options
    while (network.state("a").electionElapsed < electionTicks - 1) network.tick()
    network.filter = () => false
    network.change("a", three)
    network.tick()
    assert.deepStrictEqual(network.leaders(), ["a"])
    network.tick(electionTicks)
    assert.deepStrictEqual(network.leaders(), [])
  })

  it("that an earlier leader began is left only after an entry of the new leader's own term is committed", () => {
    const network = led("d")
    const joint = network.last("a") + 1
    network.filter = (message) =>
      message._tag !== "AppendRequest" || message.entries.every(({ index }) => index <= joint)
    network.change("a", ["b", "d"])
    network.tick(4)
    assert.deepStrictEqual([network.state("b").commit, network.last("b"), network.last("a")], [joint, joint, joint + 1])
    network.crash("a")
    network.filter = ({ _tag }) => _tag !== "AppendAccepted"
    for (const id of ["c", "d"]) network.run(id, { _tag: "RefuseLeadership", refuse: true })
    network.until(() => network.leaders().length === 1)
    assert.deepInclude(network.state("b"), { role: "Leader", commit: joint })
    assert.strictEqual(network.last("b"), joint + 1)
    assert.isTrue(isJoint(configurationOf(network.state("b"))))
    network.heal()
    network.tick(10)
    assert.isFalse(isJoint(configurationOf(network.state("b"))))
  })

  it("needs both majorities to commit (scenario 46)", () => {
    const network = led("d", "e")
    network.change("a", ["a", "d", "e"], [], false)
    network.tick(5)
    assert.isTrue(isJoint(configurationOf(network.state("a"))))
    network.partition(["a", "d", "e"], ["b", "c"])
    const before = network.state("a").commit
    network.propose("a", "x")
    network.tick(2)
    assert.strictEqual(network.state("a").commit, before)
    network.heal()
    network.tick(3)
    assert.deepStrictEqual(network.node("d").applied, ["x"])
  })

  it("when it ends, commits in the same step what the new majority alone has", () => {
    const network = led("d", "e")
    const joint = network.last("a") + 1
    // The old voters get the joint configuration and nothing after it, and acknowledge it last.
    const isOld = (id: string): boolean => id === "b" || id === "c"
    network.filter = ({ to, from }) => !isOld(to) && !isOld(from)
    network.change("a", ["a", "d", "e"])
    network.propose("a", "x", "y")
    assert.deepInclude(network.state("a"), { role: "Leader", commit: joint - 1 })
    const { term } = network.state("a")
    const message = { _tag: "AppendAccepted", from: "b", to: "a", term, index: joint } as const
    const [state] = step(network.state("a"), { _tag: "Receive", message })
    assert.isFalse(isJoint(configurationOf(state)))
    assert.deepStrictEqual([state.commit, lastIndex(state.log)], [joint + 2, joint + 3])
  })

  it("needs both majorities to elect", () => {
    const network = led("d", "e")
    network.change("a", ["a", "d", "e"], [], false)
    network.tick(5)
    network.partition(["d", "e"], ["a", "b", "c"])
    network.tick(60)
    assert.strictEqual(network.state("d").role === "Leader" || network.state("e").role === "Leader", false)
  })

  it("ends by itself, once, also when others propose meanwhile (scenario 47)", () => {
    const network = led("d", "e")
    network.input("a", {
      _tag: "ProposeConfiguration",
      context: "c",
      voters: ["a", "d", "e"],
      learners: ["b"],
      autoLeave: true,
      expectedIndex: null
    })
    for (let i = 0; i < 5; i++) network.input("a", { _tag: "LeaveJoint", context: `l${i}` })
    network.deliver()
    network.tick(5)
    network.run("a", { _tag: "LeaveJoint", context: "again" })
    const placed = network.state("a").configurations
    assert.lengthOf(placed, 3)
    assert.deepStrictEqual(placed[2]?.configuration, configuration(["a", "d", "e"], ["b"]))
    assert.lengthOf(reasons(network, "a"), 6)
  })

  it("ends also when the leader that began it is gone", () => {
    const network = led("d", "e")
    network.filter = ({ from, _tag }) =>
      from !== "a" || _tag !== "AppendRequest" || network.state("a").configurations.length < 3
    network.change("a", ["b", "d", "e"])
    network.tick(3)
    network.crash("a")
    network.heal()
    network.until(() => network.leaders().length === 1)
    network.tick(10)
    assert.deepStrictEqual(configurationOf(network.state(network.leaders()[0] ?? "")), configuration(["b", "d", "e"]))
  })

  it("replaces the leader by another (scenario 54)", () => {
    const network = led("d")
    network.change("a", ["b", "c", "d"], [])
    network.tick(10)
    assert.lengthOf(network.leaders(), 1)
    assert.notInclude(network.leaders(), "a")
    assert.deepStrictEqual(network.voters(network.leaders()[0] ?? ""), ["b", "c", "d"])
    network.propose(network.leaders()[0] ?? "", "x")
    network.tick(3)
    assert.deepStrictEqual(network.node("d").applied, ["x"])
  })

  it("makes a voter a learner when it ends, not before", () => {
    const network = led("d")
    network.change("a", ["a", "c", "d"], ["b"], false)
    network.tick(5)
    assert.deepStrictEqual(configurationOf(network.state("a")).learnersNext, ["b"])
    network.run("a", { _tag: "LeaveJoint", context: "l" })
    network.tick(5)
    assert.deepStrictEqual(configurationOf(network.state("b")), configuration(["a", "c", "d"], ["b"]))
  })
})

describe("learners", () => {
  it("get the log and are not counted", () => {
    const network = new Network(["a"], {}, ["l", "m"])
    network.elect("a")
    network.propose("a", "x")
    network.tick(3)
    assert.deepStrictEqual(network.node("l").applied, ["x"])
    network.crash("l")
    network.crash("m")
    network.propose("a", "y")
    assert.deepStrictEqual(network.node("a").applied, ["x", "y"])
    assert.deepStrictEqual(network.leaders(), ["a"])
  })

  it("do not campaign", () => {
    const network = new Network(three, {}, ["l"])
    network.tick(100, ["l"])
    assert.deepStrictEqual([network.state("l").role, network.state("l").term], ["Follower", 0])
  })

  it("vote when they are asked: they may be voters and not know it yet (scenario 48)", () => {
    const network = new Network(three, {}, ["l"])
    network.receive({ _tag: "VoteRequest", from: "a", to: "l", term: 1, lastIndex: 1, lastTerm: 1, transfer: false })
    assert.isTrue(network.sent.some((message) => message._tag === "VoteResponse" && message.granted))
  })
})

describe("removal", () => {
  it("of the leader: it commits without itself, then another takes over at once (scenario 49)", () => {
    const network = led()
    network.node("a").holdDisk = true
    network.change("a", ["b", "c"])
    network.propose("a", "x")
    assert.lengthOf(network.leaders(), 1)
    assert.notInclude(network.leaders(), "a")
    network.node("a").holdDisk = false
    network.flush("a")
    network.deliver()
    network.tick(20)
    assert.lengthOf(network.leaders(), 1)
  })

  it("of the leader: it asks the one with the most complete log to take over", () => {
    for (const [late, next] of [
      ["b", "c"],
      ["c", "b"]
    ] as const) {
      const network = new Network(["a", "b", "c", "d", "e"])
      network.elect("a")
      network.tick(2)
      network.filter = (message) => message._tag !== "AppendRequest" || message.to !== late
      network.change("a", [late, next, "d", "e"])
      const told = network.sent.filter(({ _tag }) => _tag === "TimeoutNow")
      assert.lengthOf(told, 1)
      assert.notStrictEqual(told[0]?.to, late)
      network.heal()
      network.tick(30)
      assert.lengthOf(network.leaders(), 1)
    }
  })

  it("lasts: the node that was removed neither disrupts nor returns, also after a restart (scenario 50)", () => {
    const network = led()
    network.partition(["a", "b"], ["c"])
    network.change("a", ["a", "b"])
    network.tick(3)
    const { term } = network.state("a")
    network.heal()
    network.tick(100)
    network.crash("c")
    network.restart("c")
    network.tick(100)
    assert.deepStrictEqual([network.leaders(), network.state("a").term], [["a"], term])
    assert.isFalse(network.state("a").progress.has("c"))
  })

  it("under partition and crash loses nothing that was acknowledged (scenario 52)", () => {
    const network = new Network(["a", "b", "c", "d", "e"])
    network.elect("a")
    network.propose("a", "x")
    network.partition(["a", "b", "c"], ["d", "e"])
    network.change("a", ["a", "b", "c", "d"])
    network.propose("a", "y")
    assert.deepStrictEqual(network.node("a").applied, ["x", "y"])
    network.crash("a")
    network.heal()
    network.until(() => network.leaders().length === 1)
    const [leader = ""] = network.leaders()
    network.tick(5)
    assert.deepStrictEqual(network.node(leader).applied, ["x", "y"])
    network.restart("a")
    network.tick(20)
    for (const id of ["a", "b", "c", "d"]) assert.deepStrictEqual(network.node(id).applied, ["x", "y"], id)
  })

  it("leaves a node free to campaign until it is committed: the others may need its vote (thesis 4.2.2)", () => {
    const network = new Network(["a", "b"])
    network.elect("a")
    network.tick(2)
    network.partition(["a"], ["b"])
    network.change("a", ["b"])
    assert.deepStrictEqual(network.voters("a"), ["b"])
    network.tick(60)
    network.heal()
    network.until(
      () =>
        network.leaders().length === 1 &&
        network.state(network.leaders()[0] ?? "").commit === network.last(network.leaders()[0] ?? "")
    )
    network.until(() => network.leaders()[0] === "b")
    assert.deepStrictEqual(network.voters("b"), ["b"])
  })
})
