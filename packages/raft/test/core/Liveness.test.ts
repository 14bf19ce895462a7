/** Who may keep whom from leading, and for how long, when there is no pre-vote to ask before a term is raised. */
import { assert, describe, it } from "@effect/vitest"
import type { Configuration, Entry, NodeId } from "../../src/core/Types.ts"
import { bytes, configuration, Network } from "./Network.ts"

const electionTicks = 8
const options = { preVote: false, electionTicks }

describe("a candidate with a more complete log asks in vain", () => {
  const three = ["a", "b", "c"]

  /** `b` waits for an election since six ticks, and has one entry of term 1. */
  const waiting = (): Network => {
    const network = new Network(three, options)
    network.seed("b", [1], 5)
    network.node("b").state = { ...network.state("b"), electionElapsed: 6 }
    return network
  }
  const request = { _tag: "VoteRequest", from: "c", to: "b", transfer: false } as const

  for (const { name, lastIndex, lastTerm } of [
    { name: "a longer log", lastIndex: 2, lastTerm: 1 },
    { name: "a log of a later term", lastIndex: 1, lastTerm: 2 }
  ]) {
    it(`in an old term, with ${name}: it is told the term, and who tells it waits anew`, () => {
      const network = waiting()
      network.receive({ ...request, term: 4, lastIndex, lastTerm })
      assert.deepInclude(network.sent.at(-1), { _tag: "StaleTerm", to: "c", term: 5 })
      assert.strictEqual(network.state("b").electionElapsed, 0)
    })
  }

  it("where the vote is given: who gave it waits anew", () => {
    const network = waiting()
    network.receive({ ...request, from: "a", term: 5, lastIndex: 1, lastTerm: 1 })
    network.node("b").state = { ...network.state("b"), electionElapsed: 6 }
    network.receive({ ...request, term: 5, lastIndex: 2, lastTerm: 1 })
    assert.deepInclude(network.sent.at(-1), { _tag: "VoteResponse", to: "c", granted: false })
    assert.strictEqual(network.state("b").electionElapsed, 0)
  })

  for (const term of [4, 5]) {
    it(`while one with the same log, or with less, keeps nobody waiting (term ${term})`, () => {
      const network = waiting()
      network.node("b").state = { ...network.state("b"), vote: "a" }
      network.receive({ ...request, term, lastIndex: 1, lastTerm: 1 })
      network.receive({ ...request, term, lastIndex: 0, lastTerm: 0 })
      network.receive({ ...request, term, lastIndex: 9, lastTerm: 0 })
      assert.strictEqual(network.state("b").electionElapsed, 6)
    })

    it(`nor is a leader taken for heard (term ${term})`, () => {
      const network = waiting()
      network.node("b").state = { ...network.state("b"), vote: "a", leader: "a" }
      network.receive({ ...request, term, lastIndex: 9, lastTerm: 9 })
      assert.strictEqual(network.state("b").electionElapsed, 6)
    })
  }
})

/**
 * What remains of two changes of the members that few heard of. `a` and `b` have them all, and need each other's vote and
 * that of `c`. `c` and `d` were told of the first change only, vote for each other, and can never win: `y` and `z` have
 * more. Seed 11268 of the simulator came to this.
 */
const lateMembers = (seed: number): Network => {
  const joint = (voters: ReadonlyArray<NodeId>, outgoing: ReadonlyArray<NodeId>): Configuration => ({
    ...configuration(voters),
    outgoing,
    autoLeave: true
  })
  const change = (index: number, term: number, to: Configuration): Entry => ({
    kind: "Configuration",
    index,
    term,
    configuration: to
  })
  const old = ["x", "y", "z"]
  const first: ReadonlyArray<Entry> = [
    { kind: "Command", index: 1, term: 1, data: bytes("1") },
    change(2, 1, joint(["x", "c", "d"], old))
  ]
  const second = [...first, change(3, 2, configuration(["a", "b"]))]
  const third = [...second, change(4, 3, joint(["a", "c"], ["b", "a"]))]
  const network = new Network([], options)
  const put = (id: NodeId, entries: ReadonlyArray<Entry>, term: number, commit: number): void => {
    const node = network.add(id, configuration(old))
    node.entries = [...entries]
    node.hardState = { term, vote: null, commit }
    network.restart(id)
    const position = network.nodes.size
    const electionTimeout = electionTicks + ((seed * 31 + position * 5) % electionTicks)
    node.state = { ...node.state, random: seed * 7919 + position * 104_729, electionTimeout }
  }
  put("a", third, 3, 3)
  put("b", third, 3, 3)
  put("c", first, 20, 1)
  put("d", first, 20, 1)
  put("y", second, 20, 3)
  put("z", second, 20, 3)
  return network
}

describe("nodes that were never told of their configuration", () => {
  it("raise terms, and keep those who can win from leading for nine election timeouts on average, of 200 seeds", () => {
    const seeds = 200
    let ticks = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const network = lateMembers(seed)
      const isLed = (): boolean => network.leaders().some((leader) => network.state("c").leader === leader)
      for (; !isLed(); ticks++) network.tick()
      assert.include(["a", "b"], network.state("c").leader)
    }
    assert.isBelow(ticks / seeds, 9 * electionTicks)
  })
})

describe("a preference for another leader", () => {
  /** Both vote. `a` alone can win: it has one entry more. It should rather not lead, and `b` raises terms in vain. */
  const reluctant = (seed: number): Network => {
    const members = configuration(["a", "b"])
    const network = new Network([], options)
    const put = (id: NodeId, priority: number, entries: ReadonlyArray<Entry>): void => {
      const node = network.add(id, members)
      node.entries = [...entries]
      node.hardState = { term: 1, vote: null, commit: 0 }
      network.restart(id)
      node.state = { ...node.state, options: { ...node.state.options, priority }, random: seed * 7919 + entries.length }
    }
    const entry = (index: number): Entry => ({ kind: "Command", index, term: 1, data: bytes(`${index}`) })
    put("a", 4, [entry(1), entry(2)])
    put("b", 0, [entry(1)])
    return network
  }

  it("keeps the only one that can win waiting at first, and then no longer than the others", () => {
    let ticks = 0
    const seeds = 100
    for (let seed = 1; seed <= seeds; seed++) {
      const network = reluctant(seed)
      for (; network.leaders().length === 0; ticks++) network.tick()
      assert.deepStrictEqual(network.leaders(), ["a"])
    }
    assert.isAbove(ticks / seeds, 3 * electionTicks)
    assert.isBelow(ticks / seeds, 12 * electionTicks)
  })
})
