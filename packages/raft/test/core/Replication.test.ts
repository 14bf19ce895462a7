import { assert, describe, it } from "@effect/vitest"
import { lastIndex } from "../../src/core/Log.ts"
import type { AppendRequest } from "../../src/core/Message.ts"
import { step } from "../../src/core/Step.ts"
import { begin, truncateFrom } from "../../src/core/Turn.ts"
import { bytes, Network } from "./Network.ts"

const three = ["a", "b", "c"]
const led = (options: ConstructorParameters<typeof Network>[1] = {}): Network => {
  const network = new Network(three, options)
  network.elect("a")
  network.tick(2)
  return network
}

describe("what is durable", () => {
  it("is acknowledged by one node alone only after its own write (scenario 38)", () => {
    const network = new Network(["a"])
    network.elect("a")
    network.node("a").holdDisk = true
    network.propose("a", "x")
    assert.deepStrictEqual([network.state("a").commit, network.node("a").applied], [1, []])
    network.flush("a")
    assert.deepStrictEqual(network.node("a").applied, ["x"])
  })

  it("on the others commits while the leader's disk is busy, and is applied there when it is done", () => {
    const network = led()
    network.node("a").holdDisk = true
    network.propose("a", "x")
    assert.strictEqual(network.state("a").commit, 2)
    assert.deepStrictEqual([network.node("b").applied, network.node("a").applied], [["x"], []])
    network.flush("a")
    assert.deepStrictEqual(network.node("a").applied, ["x"])
  })

  it("is not acknowledged by a follower before its write", () => {
    const network = led()
    network.node("b").holdDisk = true
    network.node("c").holdDisk = true
    network.propose("a", "x")
    assert.strictEqual(network.state("a").commit, 1)
    network.flush("c")
    network.deliver()
    assert.strictEqual(network.state("a").commit, 2)
  })

  it("counts no vote for itself that became durable after the term had changed (scenario 12)", () => {
    const network = new Network(three, { preVote: false })
    network.node("a").holdDisk = true
    network.input("a", { _tag: "Campaign" })
    network.receive({ _tag: "VoteRequest", from: "b", to: "a", term: 2, lastIndex: 0, lastTerm: 0, transfer: false })
    network.input("a", { _tag: "Persisted", sequence: 1 })
    assert.deepStrictEqual([network.state("a").role, network.state("a").vote], ["Follower", "b"])
    assert.strictEqual(network.state("a").votes.size, 0)
  })

  it("does not include entries that replaced those of a late write (scenario 40)", () => {
    const network = new Network(three)
    network.node("a").holdDisk = true
    const request = { _tag: "AppendRequest", to: "a", previousIndex: 0, previousTerm: 0, commit: 0 } as const
    const entry = (term: number) => ({ kind: "Command", term, index: 1, data: bytes(`${term}`) }) as const
    network.receive({ ...request, from: "b", term: 1, entries: [entry(1)] })
    network.receive({ ...request, from: "c", term: 2, entries: [entry(2)], commit: 1 })
    network.flush("a", 1)
    assert.deepStrictEqual([network.state("a").persisted, network.node("a").applied], [0, []])
    network.flush("a")
    assert.deepStrictEqual([network.state("a").persisted, network.node("a").applied], [1, ["2"]])
  })
})

describe("appends", () => {
  it("commit no further than they matched, however much longer the follower's own log is", () => {
    const network = new Network(three)
    const entry = (term: number, index: number) => ({ kind: "Command", term, index, data: bytes(`${term}`) }) as const
    const request = { _tag: "AppendRequest", to: "a", previousIndex: 0, previousTerm: 0, commit: 0 } as const
    network.receive({ ...request, from: "b", term: 1, entries: [entry(1, 1), entry(1, 2), entry(1, 3)] })
    // Entries 2 and 3 of the new leader are others: it has only found the first to be the same.
    network.receive({ ...request, from: "c", term: 2, previousIndex: 1, previousTerm: 1, commit: 3, entries: [] })
    assert.deepStrictEqual([network.state("a").commit, network.node("a").applied], [1, ["1"]])
  })

  it("that come twice or in another order change nothing and truncate nothing (scenario 13)", () => {
    const network = led()
    for (let i = 0; i < 10; i++) network.propose("a", `v${i}`)
    const appends = network.sent.filter((message) => message._tag === "AppendRequest" && message.to === "b")
    const { log } = network.state("b")
    for (const message of appends.toReversed()) network.receive(message)
    network.deliver()
    assert.strictEqual(network.state("b").log, log)
  })

  it("never cut what is committed (scenario 14)", () => {
    const network = led()
    network.propose("a", "x")
    network.propose("a", "y")
    const { log, commit, term } = network.state("b")
    assert.strictEqual(commit, 3)
    const forged: AppendRequest = {
      _tag: "AppendRequest",
      from: "a",
      to: "b",
      term,
      previousIndex: 1,
      previousTerm: 1,
      entries: [{ kind: "Command", term: 9, index: 2, data: bytes("z") }],
      commit: 2
    }
    network.receive(forged)
    assert.strictEqual(network.state("b").log, log)
    // Only a node that forgot what it had committed gets so far as to cut; one that knows stops instead.
    const turn = begin(network.state("b"))
    assert.throws(() => truncateFrom(turn, 3), /overwrites entry 3; 3 is committed/)
  })

  it("past the leader's log are not acknowledged, whoever says so", () => {
    const network = led()
    const before = network.state("a")
    network.receive({ _tag: "AppendAccepted", from: "b", to: "a", term: before.term, index: 9 })
    assert.strictEqual(network.state("a").progress.get("b")?.match, 1)
    assert.strictEqual(network.state("a").commit, before.commit)
  })

  it("of who claims to lead the leader's own term are not heard", () => {
    const network = led()
    const { term, log } = network.state("a")
    const entries = [{ kind: "Empty", term, index: 2 } as const]
    const forged = { from: "b", to: "a", term, previousIndex: 1, previousTerm: 1, commit: 2 } as const
    network.receive({ _tag: "AppendRequest", ...forged, entries })
    assert.deepStrictEqual([network.state("a").role, network.state("a").log], ["Leader", log])
  })

  it("with a gap are no appends", () => {
    const network = led()
    const { log, term } = network.state("b")
    const entry = { kind: "Command", term, data: bytes("z") } as const
    const entries = [
      { ...entry, index: 2 },
      { ...entry, index: 4 }
    ]
    network.receive({
      _tag: "AppendRequest",
      from: "a",
      to: "b",
      term,
      previousIndex: 1,
      previousTerm: 1,
      entries,
      commit: 0
    })
    assert.strictEqual(network.state("b").log, log)
  })

  it("flow again after all on their way were lost (scenario 15)", () => {
    const network = led({ inflightMessagesMax: 3, checkQuorum: false })
    network.partition(["a", "c"], ["b"])
    for (let i = 0; i < 10; i++) network.propose("a", `v${i}`)
    assert.lengthOf(network.state("a").progress.get("b")?.inflights ?? [], 3)
    network.heal()
    network.tick(4)
    assert.strictEqual(network.last("b"), network.last("a"))
    assert.deepStrictEqual(network.node("b").applied, network.node("a").applied)
  })

  it("are not sent to who has everything: an idle cluster exchanges heartbeats alone", () => {
    const network = led()
    network.propose("a", "x")
    network.sent.length = 0
    network.tick(20)
    assert.deepStrictEqual(new Set(network.sent.map(({ _tag }) => _tag)), new Set(["Heartbeat", "HeartbeatResponse"]))
  })

  it("to a follower whose disk stalls are not repeated with every round of heartbeats that reads begin", () => {
    const network = led()
    network.node("b").holdDisk = true
    network.propose("a", "x")
    network.sent.length = 0
    for (let i = 0; i < 200; i++) network.read("a")
    assert.lengthOf(network.node("a").reads, 200)
    assert.isAtMost(network.sent.filter(({ _tag, to }) => _tag === "AppendRequest" && to === "b").length, 1)
    assert.isAtMost(network.node("b").waiting.length, 4)
    network.tick(20)
    const { heartbeatTicks } = network.state("a").options
    assert.isAtMost(network.node("b").waiting.length, 4 + 20 / heartbeatTicks)
    network.flush("b")
    network.deliver()
    assert.strictEqual(network.state("a").progress.get("b")?.match, network.last("a"))
  })

  it("leave the probing of a follower that lacks nothing (scenario 16)", () => {
    const network = led()
    network.run("a", { _tag: "Unreachable", peer: "b" })
    network.tick(3)
    assert.strictEqual(network.state("a").progress.get("b")?.mode, "Replicate")
  })

  it("are bounded on their way, in messages and in bytes", () => {
    for (const options of [{ inflightMessagesMax: 4 }, { inflightBytesMax: 400 }]) {
      const network = led({ ...options, appendBytesMax: 100 })
      network.filter = () => false
      for (let i = 0; i < 50; i++) network.propose("a", "x".repeat(60))
      for (const { inflights } of network.state("a").progress.values()) assert.isAtMost(inflights.length, 5)
    }
  })

  it("go ahead of their answers", () => {
    const network = led()
    network.sent.length = 0
    for (let i = 0; i < 5; i++) network.input("a", { _tag: "Propose", context: `p${i}`, data: [bytes(`${i}`)] })
    assert.lengthOf(
      network.sent.filter(({ _tag, to }) => _tag === "AppendRequest" && to === "b"),
      5
    )
  })

  it("of a size that one message cannot hold are split without gaps (scenario 19)", () => {
    const network = led({ appendBytesMax: 200 })
    network.partition(["a", "c"], ["b"])
    network.propose("a", ...Array.from({ length: 100 }, (_, i) => `value-${i}`))
    network.heal()
    network.tick(6)
    assert.deepStrictEqual(network.node("b").applied, network.node("a").applied)
    assert.lengthOf(network.node("b").applied, 100)
  })

  it("let a follower commit no more than it has (scenario 21)", () => {
    const network = led()
    network.partition(["a", "c"], ["b"])
    network.propose("a", "x", "y")
    network.heal()
    network.filter = ({ _tag }) => _tag !== "AppendRequest"
    network.tick(2)
    assert.isAtMost(network.state("b").commit, lastIndex(network.state("b").log))
    for (const message of network.sent) {
      if (message._tag === "Heartbeat" && message.to === "b") assert.isAtMost(message.commit, 1)
    }
  })
})

describe("a follower that refuses what it had confirmed", () => {
  it("is not asked again and again: the next heartbeat tells it that its disk forgot (scenario 44)", () => {
    const network = led()
    network.propose("a", "x")
    network.partition(["a", "c"], ["b"])
    network.input("a", { _tag: "Unreachable", peer: "b" })
    network.propose("a", "y")
    const { match, mode } = network.state("a").progress.get("b") ?? assert.fail()
    assert.strictEqual(mode, "Probe")
    const refused = { from: "b", to: "a", term: 1, index: match, hintIndex: 0, hintTerm: 0 } as const
    const before = network.sent.length
    for (let i = 0; i < 5; i++) network.receive({ ...refused, _tag: "AppendRejected" })
    assert.deepStrictEqual(network.sent.slice(before), [])
    assert.strictEqual(network.state("a").progress.get("b")?.match, match)
  })
})

describe("proposals", () => {
  it("are refused past the bound on what is uncommitted (scenario 18)", () => {
    const network = led({ uncommittedBytesMax: 500, checkQuorum: false })
    network.filter = () => false
    for (let i = 0; i < 20; i++) network.propose("a", "x".repeat(68))
    assert.strictEqual(network.last("a"), 1 + 5)
    assert.lengthOf(network.node("a").dropped, 15)
    assert.strictEqual(network.node("a").dropped[0]?.reason, "TooMuchUncommitted")
    network.heal()
    network.tick(3)
    network.propose("a", "y")
    assert.include(network.node("b").applied, "y")
  })

  it("are refused while too many committed entries wait to be applied", () => {
    const network = new Network(["a"], { unappliedEntriesMax: 2, committedBytesMax: 1 })
    network.elect("a")
    // The state machine of this node takes what it is given, and never says that it has applied it.
    let { state } = network.node("a")
    const reasons: Array<string> = []
    for (let i = 0; i < 5; i++) {
      const [proposed, ready] = step(state, { _tag: "Propose", context: `p${i}`, data: [bytes("x")] })
      reasons.push(...ready.dropped.map(({ reason }) => reason))
      state = step(proposed, { _tag: "Persisted", sequence: proposed.sequence })[0]
    }
    assert.deepStrictEqual([state.commit - state.applied, reasons], [3, ["TooMuchUnapplied", "TooMuchUnapplied"]])
  })

  it("of any size pass when nothing waits", () => {
    const network = led({ uncommittedBytesMax: 10 })
    network.propose("a", "x".repeat(1_000))
    assert.lengthOf(network.node("a").applied, 1)
  })

  it("are handed to apply within a bound of bytes", () => {
    const network = new Network(["a"], { committedBytesMax: 100 })
    network.elect("a")
    network.node("a").holdDisk = true
    network.propose("a", ..."abcdefghij".split(""))
    const [state, ready] = step(network.state("a"), { _tag: "Persisted", sequence: network.state("a").sequence })
    assert.lengthOf(ready.committed, 3)
    const [, more] = step(state, { _tag: "Applied", index: ready.committed[1]?.index ?? 0 })
    assert.lengthOf(more.committed, 2)
  })

  it("reach the leader through a follower, which learns where they went", () => {
    const network = led()
    const context = network.propose("b", "x")
    assert.deepStrictEqual(network.node("b").accepted, [{ _tag: "Accepted", context, term: 1, first: 2, last: 2 }])
    assert.deepStrictEqual(network.node("c").applied, ["x"])
    assert.deepStrictEqual(network.node("a").accepted, [])
  })

  it("are forwarded once, and refused by who is not the leader (scenario 59, the core's part)", () => {
    const network = led()
    network.partition(["a"], ["b", "c"])
    network.input("b", { _tag: "StepDown" })
    network.heal()
    network.receive({ _tag: "ProposeRequest", from: "c", to: "b", term: 1, context: "q", data: [bytes("x")] })
    assert.lengthOf(
      network.sent.filter(({ _tag }) => _tag === "ProposeRequest"),
      0
    )
    network.deliver()
    const [refused] = network.node("c").dropped
    assert.deepStrictEqual([refused?.reason, refused?.leader], ["NotLeader", "a"])
  })

  it("without a leader are refused", () => {
    const network = new Network(three)
    network.propose("a", "x")
    assert.strictEqual(network.node("a").dropped[0]?.reason, "NotLeader")
  })
})
