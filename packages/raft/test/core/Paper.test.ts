/** Section by section of the thesis: what each rule says, on the production core. */
import { assert, describe, it } from "@effect/vitest"
import { defaultOptions } from "../../src/core/Options.ts"
import { bytes, Network } from "./Network.ts"

const three = ["a", "b", "c"]
const five = ["a", "b", "c", "d", "e"]

describe("3.3 basics", () => {
  it("starts as a follower in term 0, without a leader", () => {
    const state = new Network(three).state("a")
    assert.deepStrictEqual([state.role, state.term, state.leader], ["Follower", 0, null])
  })

  for (const role of ["Follower", "Candidate", "Leader"] as const) {
    it(`steps down from ${role} when a message has a newer term`, () => {
      const network = new Network(three, { preVote: false })
      if (role === "Leader") network.elect("a")
      if (role === "Candidate") network.input("a", { _tag: "Campaign" })
      assert.strictEqual(network.state("a").role, role)
      network.queue.length = 0
      network.receive({ _tag: "Heartbeat", from: "b", to: "a", term: 9, commit: 0, round: 1 })
      const { role: after, term, leader, vote } = network.state("a")
      assert.deepStrictEqual([after, term, leader, vote], ["Follower", 9, "b", null])
    })
  }

  it("lets no message of an old term change anything (scenario 1)", () => {
    const network = new Network(three)
    network.elect("a")
    network.propose("a", "x")
    const before = network.state("b")
    const old = { from: "c", to: "b", term: before.term - 1 } as const
    network.receive({ ...old, _tag: "AppendRequest", previousIndex: 0, previousTerm: 0, entries: [], commit: 0 })
    network.receive({ ...old, _tag: "VoteRequest", lastIndex: 99, lastTerm: 99, transfer: true })
    network.receive({ ...old, _tag: "TimeoutNow" })
    network.receive({ ...old, _tag: "Heartbeat", commit: 99, round: 9 })
    assert.deepStrictEqual(network.state("b"), before)
  })
})

describe("3.4 leader election", () => {
  it("begins an election after a wait between one and two election timeouts, not always the same", () => {
    const waits = new Set<number>()
    for (let i = 0; i < 40; i++) {
      const network = new Network(["a", ...Array.from({ length: i }, (_, n) => `x${n}`)], { preVote: false })
      const last = `x${i - 1}`
      const id = i === 0 ? "a" : last
      network.filter = () => false
      let ticks = 0
      while (network.state(id).role === "Follower") {
        network.tick(1, [id])
        ticks++
      }
      assert.isAtLeast(ticks, defaultOptions.electionTicks)
      assert.isBelow(ticks, 2 * defaultOptions.electionTicks)
      waits.add(ticks)
    }
    assert.isAtLeast(waits.size, 5)
  })

  it("raises the term, votes for itself, asks the others, all after its vote is durable", () => {
    const network = new Network(three, { preVote: false })
    network.node("a").holdDisk = true
    network.input("a", { _tag: "Campaign" })
    assert.deepStrictEqual([network.state("a").term, network.state("a").vote], [1, "a"])
    assert.lengthOf(network.sent, 0)
    network.flush("a")
    assert.deepStrictEqual(
      network.sent.map(({ _tag, to }) => `${_tag} ${to}`),
      ["VoteRequest b", "VoteRequest c"]
    )
  })

  it("leads with a majority, and tells so with heartbeats", () => {
    const network = new Network(five)
    network.partition(["a", "b", "c"], ["d"], ["e"])
    network.elect("a")
    network.tick(2)
    assert.strictEqual(network.state("b").leader, "a")
    network.heal()
    network.tick(2)
    assert.strictEqual(network.state("e").leader, "a")
  })

  it("does not lead with less", () => {
    const network = new Network(five, { preVote: false })
    network.partition(["a", "b"], ["c", "d", "e"])
    network.run("a", { _tag: "Campaign" })
    assert.strictEqual(network.state("a").role, "Candidate")
  })

  it("gives one vote in a term, also across a crash (scenario 2)", () => {
    const network = new Network(three, { preVote: false })
    const request = { _tag: "VoteRequest", to: "b", term: 5, lastIndex: 0, lastTerm: 0, transfer: false } as const
    network.receive({ ...request, from: "a" })
    network.crash("b")
    network.restart("b")
    network.receive({ ...request, from: "c" })
    network.receive({ ...request, from: "a" })
    assert.deepStrictEqual(
      network.sent.flatMap((message) => (message._tag === "VoteResponse" ? [[message.to, message.granted]] : [])),
      [
        ["a", true],
        ["c", false],
        ["a", true]
      ]
    )
  })

  it("goes on waiting where it was after a candidate that it refuses, and anew after one that it votes for", () => {
    const network = new Network(three, { preVote: false })
    network.elect("a")
    network.run("a", { _tag: "Propose", context: "x", data: [bytes("x")] })
    const request = { _tag: "VoteRequest", from: "c", to: "b", transfer: false } as const
    const waited = defaultOptions.electionTicks
    for (let ticks = 0; ticks < waited; ticks++) network.input("b", { _tag: "Tick" })
    network.receive({ ...request, term: 7, lastIndex: 0, lastTerm: 0 })
    assert.deepStrictEqual([network.state("b").term, network.state("b").vote], [7, null])
    assert.strictEqual(network.state("b").electionElapsed, waited)
    network.receive({ ...request, term: 8, lastIndex: 9, lastTerm: 7 })
    assert.deepStrictEqual([network.state("b").term, network.state("b").vote], [8, "c"])
    assert.strictEqual(network.state("b").electionElapsed, 0)
  })

  it("resolves a split vote (scenario 4)", () => {
    const network = new Network(["a", "b", "c", "d"], { preVote: false })
    network.input("a", { _tag: "Campaign" })
    network.input("b", { _tag: "Campaign" })
    network.partition(["a", "c"], ["b", "d"])
    network.deliver()
    network.heal()
    network.until(() => network.leaders().length === 1)
  })
})

describe("3.5 log replication", () => {
  it("commits what a majority has, applies it everywhere, in order", () => {
    const network = new Network(five)
    network.elect("a")
    network.partition(["a", "b", "c"], ["d", "e"])
    network.propose("a", "x")
    network.propose("a", "y", "z")
    assert.deepStrictEqual(network.node("a").applied, ["x", "y", "z"])
    network.heal()
    network.tick(4)
    for (const id of five) assert.deepStrictEqual(network.node(id).applied, ["x", "y", "z"])
  })

  it("keeps no commit index beyond what is durable: term and vote may outlive the entries written with them", () => {
    const network = new Network(three, { preVote: false })
    network.elect("a")
    network.node("b").holdDisk = true
    network.run("a", { _tag: "Propose", context: "x", data: [bytes("x")] })
    network.tick(2)
    assert.isAbove(network.state("b").commit, network.state("b").persisted)
    const ready = network.input("b", {
      _tag: "Receive",
      message: { _tag: "VoteRequest", from: "c", to: "b", term: 9, lastIndex: 9, lastTerm: 8, transfer: true }
    })
    assert.strictEqual(ready.append?.hardState?.term, 9)
    assert.strictEqual(ready.append?.hardState?.commit, network.state("b").persisted)
  })

  it("does not commit with less than a majority", () => {
    const network = new Network(five)
    network.elect("a")
    network.partition(["a", "b"], ["c", "d", "e"])
    network.propose("a", "x")
    assert.deepStrictEqual(network.node("a").applied, [])
  })

  it("repairs every log of figure 7 (scenario 6)", () => {
    const logs: ReadonlyArray<ReadonlyArray<number>> = [
      [1, 1, 1, 4, 4, 5, 5, 6, 6],
      [1, 1, 1, 4],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      [1, 1, 1, 4, 4, 4, 4],
      [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]
    ]
    for (const terms of logs) {
      const network = new Network(three, { preVote: false })
      network.seed("a", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], 7)
      network.seed("b", terms, 7)
      network.seed("c", [1], 7)
      network.partition(["a", "c"], ["b"])
      network.elect("a")
      network.heal()
      network.tick(5)
      assert.deepStrictEqual(network.terms("b"), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8])
      assert.deepStrictEqual(network.terms("c"), network.terms("a"))
    }
  })

  it("finds where logs part in a round trip for each term, not for each entry (scenario 20)", () => {
    const network = new Network(["a", "b", "c"], { preVote: false })
    network.seed("a", [...Array.from({ length: 50 }, () => 1), ...Array.from({ length: 50 }, () => 4)], 5)
    network.seed("b", [...Array.from({ length: 40 }, () => 1), ...Array.from({ length: 90 }, () => 2)], 5)
    network.seed("c", [1], 5)
    network.partition(["a", "c"], ["b"])
    network.elect("a")
    network.heal()
    network.sent.length = 0
    network.tick(6)
    assert.deepStrictEqual(network.terms("b"), network.terms("a"))
    assert.isAtMost(network.sent.filter(({ _tag }) => _tag === "AppendRejected").length, 3)
  })
})

describe("3.6 safety", () => {
  it("votes only for a log at least as complete (scenario 3)", () => {
    const table: ReadonlyArray<[mine: ReadonlyArray<number>, lastIndex: number, lastTerm: number, granted: boolean]> = [
      [[1], 1, 1, true],
      [[1], 2, 1, true],
      [[1, 1], 1, 1, false],
      [[1], 1, 2, true],
      [[1, 1], 1, 2, true],
      [[2], 1, 1, false],
      [[2], 2, 1, false]
    ]
    for (const [mine, lastIndex, lastTerm, granted] of table) {
      const network = new Network(three)
      network.seed("a", mine, 2)
      network.receive({ _tag: "VoteRequest", from: "b", to: "a", term: 3, lastIndex, lastTerm, transfer: false })
      const answer = network.sent.find(({ _tag }) => _tag === "VoteResponse")
      assert.isTrue(answer?._tag === "VoteResponse" && answer.granted === granted, `${mine} ${lastIndex} ${lastTerm}`)
    }
  })

  it("commits by counting only entries of its own term: figure 8 (scenario 5)", () => {
    const network = new Network(five, { preVote: false, checkQuorum: false })
    network.seed("a", [1, 2], 3)
    network.seed("b", [1, 2], 3)
    network.seed("c", [1], 3)
    network.seed("d", [1], 3)
    network.seed("e", [1, 3], 3)
    // The leader of term 4 brings entry 2 of term 2 to a majority; its own entry of term 4 reaches nobody.
    network.partition(["a", "b", "c", "d"], ["e"])
    const through = network.filter
    network.filter = (message) =>
      through(message) &&
      !(message._tag === "AppendRequest" && message.entries.some(({ term }) => term === 4)) &&
      message._tag !== "AppendRejected"
    network.run("a", { _tag: "Campaign" })
    const leader = network.state("a")
    assert.strictEqual(leader.role, "Leader")
    for (const id of ["b", "c", "d"]) {
      const { log } = leader
      const old = log.backing.entries.slice(0, 2)
      network.receive({
        _tag: "AppendRequest",
        from: "a",
        to: id,
        term: 4,
        previousIndex: 0,
        previousTerm: 0,
        entries: old,
        commit: 0
      })
    }
    network.deliver()
    assert.isAtLeast([...network.state("a").progress.values()].filter(({ match }) => match >= 2).length, 3)
    assert.strictEqual(network.state("a").commit, 0)
    // So another leader may still replace it, and does.
    network.crash("a")
    network.partition(["b", "c", "d", "e"])
    network.filter = () => true
    network.elect("b")
    network.tick(2)
    assert.deepStrictEqual(network.terms("c").slice(0, 2), [1, 2])
    assert.isAtLeast(network.state("b").commit, 3)
  })
})

describe("9.6 pre-vote and 4.2.3 disruptive servers", () => {
  it("keeps the leader and its term when a node that was away comes back (scenario 7)", () => {
    const network = new Network(three)
    network.elect("a")
    network.partition(["a", "b"], ["c"])
    network.tick(100)
    assert.strictEqual(network.state("c").term, 1)
    network.heal()
    network.tick(10)
    assert.deepStrictEqual(network.leaders(), ["a"])
    assert.deepStrictEqual([network.state("a").term, network.state("c").leader], [1, "a"])
  })

  it("elects in a cluster where only some ask before (scenario 11)", () => {
    const network = new Network([])
    const first = { voters: three, learners: [], outgoing: [], learnersNext: [], autoLeave: false }
    network.add("a", first, { preVote: true })
    network.add("b", first, { preVote: false })
    network.add("c", first, { preVote: false })
    network.elect("b")
    network.propose("b", "x")
    network.partition(["b"], ["a", "c"])
    network.until(() => network.leaders().some((id) => id !== "b"))
    network.heal()
    network.until(() => network.leaders().length === 1 && network.node("b").applied.length === 1)
  })

  it("brings a node whose term ran ahead back under a leader", () => {
    const network = new Network(three)
    network.elect("a")
    network.receive({ _tag: "VoteRequest", from: "b", to: "c", term: 7, lastIndex: 0, lastTerm: 0, transfer: true })
    network.until(() => network.leaders().length === 1 && network.state(network.leaders()[0] ?? "a").term >= 7)
    network.tick(3)
    for (const id of three) assert.strictEqual(network.state(id).leader, network.leaders()[0])
  })
})

describe("6.2 check-quorum", () => {
  it("deposes a leader without a quorum within an election timeout (scenario 8)", () => {
    const network = new Network(five)
    network.elect("a")
    network.tick(12)
    network.partition(["a", "b"], ["c", "d", "e"])
    network.tick(2 * defaultOptions.electionTicks)
    assert.notStrictEqual(network.state("a").role, "Leader")
    network.until(() => network.leaders().length === 1)
  })

  it("without check-quorum leaves a leader that hears nobody where it is", () => {
    const network = new Network(three, { checkQuorum: false })
    network.elect("a")
    network.partition(["a"], ["b"], ["c"])
    network.tick(30)
    assert.strictEqual(network.state("a").role, "Leader")
  })

  it("elects one stable leader where not everyone hears everyone (scenario 9)", () => {
    const network = new Network(five)
    const links = new Set(["ab", "ac", "ad", "ae", "bc"])
    network.filter = ({ from, to }) => links.has(from + to) || links.has(to + from)
    network.until(() => network.leaders().length === 1)
    network.tick(100)
    const [leader = ""] = network.leaders()
    const { term } = network.state(leader)
    network.tick(200)
    assert.deepStrictEqual(network.leaders(), [leader])
    assert.strictEqual(network.state(leader).term, term)
  })

  it("replaces a leader that can send and not hear, and one that can hear and not send (scenario 10)", () => {
    for (const blocked of ["from", "to"] as const) {
      const network = new Network(three)
      network.elect("a")
      network.filter = (message) => message[blocked] !== "a"
      network.until(() => network.leaders().length === 1 && network.leaders()[0] !== "a")
      network.heal()
      network.tick(30)
      assert.lengthOf(network.leaders(), 1)
    }
  })
})

describe("elections among nodes of different priority", () => {
  it("are begun by the preferred ones, and won by others when those are away", () => {
    const first = { voters: three, learners: [], outgoing: [], learnersNext: [], autoLeave: false }
    for (const away of [null, "c"]) {
      const network = new Network([])
      network.add("a", first, { priority: 6 })
      network.add("b", first, { priority: 3 })
      network.add("c", first, { priority: 0 })
      if (away !== null) network.crash(away)
      network.until(() => network.leaders().length === 1)
      assert.deepStrictEqual(network.leaders(), [away === null ? "c" : "b"])
    }
  })

  it("leave out a node that refuses to lead", () => {
    const network = new Network(three)
    network.run("a", { _tag: "RefuseLeadership", refuse: true })
    network.run("a", { _tag: "Campaign" })
    assert.strictEqual(network.state("a").role, "Follower")
  })
})
