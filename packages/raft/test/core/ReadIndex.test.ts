import { assert, describe, it } from "@effect/vitest"
import { defaultOptions } from "../../src/core/Options.ts"
import { Network } from "./Network.ts"

const { electionTicks } = defaultOptions

const three = ["a", "b", "c"]

describe("reads", () => {
  it("wait for the first commit of the term (scenario 22)", () => {
    const network = new Network(three, { checkQuorum: false })
    network.elect("a")
    network.propose("a", "x")
    network.filter = ({ _tag }) => _tag !== "AppendAccepted"
    network.elect("b")
    const context = network.read("b")
    network.tick(10)
    assert.lengthOf(network.node("b").reads, 0)
    network.heal()
    network.tick(5)
    assert.deepStrictEqual(network.node("b").reads, [{ context, index: 3 }])
  })

  it("are confirmed by heartbeats sent after them, never by answers to earlier ones (scenario 23)", () => {
    const network = new Network(three)
    network.elect("a")
    network.filter = ({ _tag }) => _tag !== "HeartbeatResponse"
    network.tick(2)
    const late = network.sent.filter(({ _tag }) => _tag === "HeartbeatResponse")
    assert.isAbove(late.length, 0)
    const first = network.read("a")
    for (const message of late) network.receive(message)
    assert.lengthOf(network.node("a").reads, 0)
    network.heal()
    network.tick(3)
    assert.deepStrictEqual(
      network.node("a").reads.map(({ context }) => context),
      [first]
    )
  })

  it("of a leader that slept while another was elected are never answered (scenario 24)", () => {
    const network = new Network(three)
    network.elect("a")
    network.propose("a", "old")
    network.partition(["a"], ["b", "c"])
    for (let i = 0; i < 60; i++) network.tick(1, ["b", "c"])
    const [leader = ""] = network.leaders().filter((id) => id !== "a")
    network.propose(leader, "new")
    // It wakes, with its clock where it was, and reads at once.
    const context = network.read("a")
    network.heal()
    network.tick(5)
    assert.lengthOf(network.node("a").reads, 0)
    assert.deepStrictEqual(
      network.node("a").dropped.map((each) => [each.context, each.reason]),
      [[context, "LeadershipLost"]]
    )
  })

  it("without a quorum are not answered", () => {
    const network = new Network(three)
    network.elect("a")
    network.partition(["a"], ["b", "c"])
    network.read("a")
    network.tick(5)
    assert.lengthOf(network.node("a").reads, 0)
  })

  it("of a follower go through the leader", () => {
    const network = new Network(three)
    network.elect("a")
    network.propose("a", "x")
    const context = network.read("c")
    assert.deepStrictEqual(network.node("c").reads, [{ context, index: 2 }])
  })

  it("that come together share rounds of heartbeats", () => {
    const network = new Network(three)
    network.elect("a")
    network.sent.length = 0
    for (let i = 0; i < 100; i++) network.input("a", { _tag: "ReadIndex", context: `r${i}` })
    network.deliver()
    assert.lengthOf(network.node("a").reads, 100)
    assert.lengthOf(
      network.sent.filter(({ _tag }) => _tag === "Heartbeat"),
      4
    )
  })

  it("wait for two rounds at most, whenever they come: the one on its way and the next", () => {
    const network = new Network(three)
    network.elect("a")
    // Each wave delivers what was on its way before it: half a round trip.
    const asked = new Map<string, number>()
    const waits: Array<number> = []
    for (let wave = 0; wave < 60; wave++) {
      const onTheWay = network.queue.splice(0)
      if (wave % 7 === 0) network.input("a", { _tag: "Tick" })
      // Some before the messages of this wave, some between them, some after.
      const ask = (part: number): void => {
        asked.set(`${wave}.${part}`, wave)
        network.input("a", { _tag: "ReadIndex", context: `${wave}.${part}` })
      }
      ask(0)
      onTheWay.forEach((message, position) => {
        network.receive(message)
        if (position === 0) ask(1)
      })
      ask(2)
      for (const { context } of network.node("a").reads.splice(0)) waits.push(wave - (asked.get(context) ?? 0))
    }
    assert.isAbove(waits.length, 150)
    assert.strictEqual(Math.max(...waits), 4)
  })

  it("are answered in the order in which they came, by their own indexes", () => {
    const network = new Network(three)
    network.elect("a")
    const ask = (context: string): void => void network.input("a", { _tag: "ReadIndex", context })
    ask("r1")
    ask("r2")
    network.propose("a", "x")
    ask("r3")
    network.deliver()
    assert.deepStrictEqual(network.node("a").reads, [
      { context: "r1", index: 1 },
      { context: "r2", index: 1 },
      { context: "r3", index: 2 }
    ])
  })

  it("are confirmed by answers in whatever order these come", () => {
    const network = new Network([...three, "d", "e"])
    network.elect("a")
    network.tick(2)
    network.filter = () => false
    const { round } = network.state("a").reads
    network.run("a", { _tag: "ReadIndex", context: "x" })
    const answer = { _tag: "HeartbeatResponse", to: "a", term: 1 } as const
    network.receive({ ...answer, from: "b", round: round + 1 })
    network.receive({ ...answer, from: "b", round })
    network.receive({ ...answer, from: "c", round: round + 1 })
    assert.lengthOf(network.node("a").reads, 1)
  })

  it("begin no round while a later one than theirs is on its way", () => {
    const network = new Network(three)
    network.elect("a")
    network.tick(2)
    network.filter = () => false
    const { round } = network.state("a").reads
    network.run("a", { _tag: "ReadIndex", context: "x" })
    network.run("a", { _tag: "ReadIndex", context: "y" })
    network.tick(2, ["a"])
    assert.strictEqual(network.state("a").reads.round, round + 2)
    network.receive({ _tag: "HeartbeatResponse", from: "b", to: "a", term: 1, round: round + 1 })
    assert.deepStrictEqual([network.node("a").reads.length, network.state("a").reads.round], [1, round + 2])
    network.receive({ _tag: "HeartbeatResponse", from: "b", to: "a", term: 1, round: round + 2 })
    assert.deepStrictEqual([network.node("a").reads.length, network.state("a").reads.round], [2, round + 2])
  })

  it("are refused once when leadership is lost, and not again by whatever happens later", () => {
    const network = new Network(three)
    network.elect("a")
    network.filter = () => false
    network.read("a")
    for (let i = 0; i < 3; i++) {
      network.run("a", { _tag: "StepDown" })
      network.run("a", { _tag: "Campaign" })
    }
    assert.lengthOf(network.node("a").dropped, 1)
  })

  it("past the bound are refused", () => {
    const network = new Network(three, { pendingReadsMax: 2 })
    network.elect("a")
    network.filter = () => false
    for (let i = 0; i < 5; i++) network.read("a")
    assert.deepStrictEqual(
      network.node("a").dropped.map(({ reason }) => reason),
      ["TooManyReads", "TooManyReads", "TooManyReads"]
    )
  })

  it("need both majorities while the configuration is joint", () => {
    const network = new Network(three)
    for (const id of ["d", "e"]) network.add(id, null)
    network.elect("a")
    network.change("a", ["a", "d", "e"], [], false)
    network.tick(5)
    network.partition(["a", "d", "e"], ["b", "c"])
    network.read("a")
    network.tick(3)
    assert.lengthOf(network.node("a").reads, 0)
  })
})

/** Nodes that run for an election timeout already: before, nobody votes. */
const leased = (): Network => {
  const network = new Network(three, { reads: "Lease" })
  for (const id of three) network.node(id).state = { ...network.state(id), ticks: electionTicks }
  return network
}

describe("leases", () => {
  it("bind also a voter that has restarted since it answered for one", () => {
    const network = leased()
    network.elect("a")
    network.tick(4)
    network.restart("b")
    network.partition(["a"], ["b", "c"])
    const request = {
      _tag: "VoteRequest",
      from: "c",
      to: "b",
      term: 2,
      lastIndex: 9,
      lastTerm: 1,
      transfer: false
    } as const
    network.receive(request)
    assert.deepInclude(network.state("b"), { term: 1, vote: "a" })
    network.node("b").state = { ...network.state("b"), ticks: electionTicks }
    network.receive(request)
    assert.deepInclude(network.state("b"), { term: 2, vote: "c" })
  })

  it("are off unless asked for, and need check-quorum", () => {
    assert.throws(() => new Network(three, { reads: "Lease", checkQuorum: false }), /lease reads need checkQuorum/)
  })

  it("begin with the first round that is confirmed, not with the election", () => {
    const network = leased()
    network.elect("a")
    network.filter = () => false
    network.read("a")
    assert.deepInclude(network.state("a").reads, { leaseTick: null, confirmed: 0 })
    assert.lengthOf(network.node("a").reads, 0)
  })

  it("answer without a round of heartbeats, until they end (scenario 25)", () => {
    const network = leased()
    network.elect("a")
    network.tick(4)
    network.filter = () => false
    network.read("a")
    assert.lengthOf(network.node("a").reads, 1)
    network.tick(5, ["a"])
    network.read("a")
    assert.lengthOf(network.node("a").reads, 1)
  })

  it("count from the latest of the rounds that one answer confirms", () => {
    const network = leased()
    network.elect("a")
    network.tick(2)
    network.filter = () => false
    network.tick(4, ["a"])
    const { round, sentAt } = network.state("a").reads
    assert.lengthOf(sentAt, 2)
    network.receive({ _tag: "HeartbeatResponse", from: "b", to: "a", term: 1, round })
    assert.strictEqual(network.state("a").reads.leaseTick, network.state("a").ticks)
  })

  it("are not used while a target of leadership still catches up", () => {
    const network = leased()
    network.elect("a")
    network.tick(4)
    network.filter = () => false
    network.propose("a", "x")
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    assert.strictEqual(network.state("a").transfer?.isTold, false)
    network.read("a")
    assert.lengthOf(network.node("a").reads, 0)
  })

  it("are not taken up again after a transfer that came to nothing: the word to campaign may still arrive", () => {
    const network = leased()
    network.elect("a")
    network.tick(4)
    network.filter = ({ _tag }) => _tag !== "TimeoutNow"
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.tick(20)
    assert.deepStrictEqual([network.leaders(), network.state("a").transfer], [["a"], null])
    network.filter = () => false
    network.read("a")
    assert.lengthOf(network.node("a").reads, 0)
  })

  it("are given up before leadership is handed over (scenario 26)", () => {
    const network = leased()
    network.elect("a")
    network.tick(4)
    network.filter = () => false
    network.run("a", { _tag: "TransferLeadership", to: "b" })
    network.read("a")
    assert.lengthOf(network.node("a").reads, 0)
  })
})
