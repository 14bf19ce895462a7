import { assert, describe, it } from "@effect/vitest"
import type { Input } from "../../src/core/Input.ts"
import { lastIndex, slice } from "../../src/core/Log.ts"
import { queueItems, queueSize } from "../../src/core/Queue.ts"
import { nextRandom } from "../../src/core/Random.ts"
import type { Ready } from "../../src/core/Ready.ts"
import type { State } from "../../src/core/State.ts"
import { step } from "../../src/core/Step.ts"
import { Network } from "./Network.ts"

const three = ["a", "b", "c"]

/** Everything but the arrays that views of the log and of queues share. */
const visible = ({ log, writes, reads, ...rest }: State): object => ({
  ...rest,
  writes: queueItems(writes),
  reads: { ...reads, pending: queueItems(reads.pending), waiting: queueItems(reads.waiting) },
  base: log.baseIndex,
  entries: slice(log, log.baseIndex + 1, lastIndex(log), Number.POSITIVE_INFINITY)
})

describe("step", () => {
  it("is a function: old states stay as they were, and give the same again", () => {
    const seen: Array<{ readonly state: State; readonly input: Input; readonly shown: object; readonly ready: Ready }> =
      []
    class Recording extends Network {
      override input(id: string, input: Input): Ready {
        const { state } = this.node(id)
        const shown = structuredClone(visible(state))
        const ready = super.input(id, input)
        seen.push({ state, input, shown, ready })
        return ready
      }
    }
    const network = new Recording(three, { snapshotChunkBytes: 8, preVote: false })
    let seed = 3
    for (let i = 0; i < 60; i++) {
      const [pick, next] = nextRandom(seed, 6)
      seed = next
      const [leader = "a"] = network.leaders()
      if (pick === 0) network.partition(["a", "b"], ["c"])
      if (pick === 1) network.heal()
      if (pick === 2) network.run(leader, { _tag: "TransferLeadership", to: three[i % 3] ?? "a" })
      if (pick === 3) network.compact(leader)
      network.propose(leader, `v${i}`)
      network.read(leader)
      network.tick(4)
    }
    assert.isAbove(seen.length, 1_000)
    for (const { state, input, shown, ready } of seen) {
      assert.deepStrictEqual(visible(state), shown)
      const [after, again] = step(state, input)
      assert.deepStrictEqual(again, ready)
      assert.deepStrictEqual(visible(step(state, input)[0]), visible(after))
    }
  })

  it("counts a candidate's vote for itself with its own write, not with an earlier one", () => {
    const network = new Network(["a"], { preVote: false })
    network.node("a").holdDisk = true
    network.receive({ _tag: "Heartbeat", from: "x", to: "a", term: 3, commit: 0, round: 1 })
    network.run("a", { _tag: "Campaign" })
    network.input("a", { _tag: "Persisted", sequence: 1 })
    assert.strictEqual(network.state("a").role, "Candidate")
    network.input("a", { _tag: "Persisted", sequence: 2 })
    assert.strictEqual(network.state("a").role, "Leader")
  })

  it("takes the end of several writes at once, and of one twice", () => {
    const network = new Network(["a"])
    network.elect("a")
    network.node("a").holdDisk = true
    network.propose("a", "x")
    network.propose("a", "y")
    const { sequence } = network.state("a")
    network.input("a", { _tag: "Persisted", sequence })
    network.input("a", { _tag: "Persisted", sequence })
    assert.deepStrictEqual([network.state("a").commit, queueSize(network.state("a").writes)], [3, 0])
  })

  it("says when role, leader or term changed, and only then", () => {
    const network = new Network(three)
    assert.strictEqual(network.run("a", { _tag: "Tick" }).soft, null)
    assert.deepStrictEqual(network.input("a", { _tag: "Campaign" }).soft, {
      role: "PreCandidate",
      leader: null,
      term: 0
    })
  })

  it("lets a leader give up, and a follower forget its leader, without a new term", () => {
    const network = new Network(three)
    network.elect("a")
    network.tick(2)
    network.run("b", { _tag: "ForgetLeader" })
    assert.deepStrictEqual([network.state("b").leader, network.state("b").term], [null, 1])
    network.run("a", { _tag: "ForgetLeader" })
    assert.strictEqual(network.state("a").leader, "a")
    network.run("a", { _tag: "StepDown" })
    assert.deepStrictEqual([network.state("a").role, network.state("a").term], ["Follower", 1])
    network.until(() => network.leaders().length === 1)
  })

  it("ignores messages for others, and its own", () => {
    const network = new Network(three)
    const before = network.state("a")
    const message = { _tag: "Heartbeat", term: 5, commit: 0, round: 1 } as const
    const [first] = step(before, { _tag: "Receive", message: { ...message, from: "b", to: "c" } })
    const [second] = step(before, { _tag: "Receive", message: { ...message, from: "a", to: "a" } })
    assert.deepStrictEqual([first, second], [before, before])
  })
})
