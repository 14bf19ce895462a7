/** Single rules of elections, at their edges; whole elections are in Paper.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import { Network } from "./Network.ts"

const three = ["a", "b", "c"]
const five = ["a", "b", "c", "d", "e"]

describe("a vote", () => {
  it("is not given in a term whose leader is known", () => {
    const network = new Network(three)
    network.receive({ _tag: "Heartbeat", from: "b", to: "a", term: 5, commit: 0, round: 1 })
    network.receive({ _tag: "VoteRequest", from: "c", to: "a", term: 5, lastIndex: 9, lastTerm: 4, transfer: true })
    assert.deepInclude(network.sent.at(-1), { _tag: "VoteResponse", to: "c", granted: false })
    assert.strictEqual(network.state("a").vote, null)
  })

  it("counts once it is given, whatever a doubled request is answered later", () => {
    const network = new Network(five, { preVote: false })
    network.filter = () => false
    network.run("a", { _tag: "Campaign" })
    const answer = { _tag: "VoteResponse", to: "a", term: 1 } as const
    network.receive({ ...answer, from: "b", granted: true })
    network.receive({ ...answer, from: "b", granted: false })
    assert.strictEqual(network.state("a").role, "Candidate")
    network.receive({ ...answer, from: "c", granted: true })
    assert.strictEqual(network.state("a").role, "Leader")
  })
})

describe("who steps back", () => {
  it("in its own term keeps its vote", () => {
    const network = new Network(three, { preVote: false })
    network.filter = () => false
    network.run("a", { _tag: "Campaign" })
    network.receive({ _tag: "Heartbeat", from: "b", to: "a", term: 1, commit: 0, round: 1 })
    assert.deepInclude(network.state("a"), { role: "Follower", leader: "b", term: 1, vote: "a" })
    network.run("a", { _tag: "ForgetLeader" })
    network.receive({ _tag: "VoteRequest", from: "c", to: "a", term: 1, lastIndex: 9, lastTerm: 9, transfer: false })
    assert.deepInclude(network.sent.at(-1), { _tag: "VoteResponse", to: "c", granted: false })
  })

  it("from leading because of a candidate begins its wait then", () => {
    const network = new Network(three, { checkQuorum: false })
    network.elect("a")
    network.tick(7)
    assert.strictEqual(network.state("a").electionElapsed, 7)
    network.receive({ _tag: "VoteRequest", from: "c", to: "a", term: 9, lastIndex: 0, lastTerm: 0, transfer: false })
    assert.deepInclude(network.state("a"), { role: "Follower", term: 9, vote: null, electionElapsed: 0 })
  })
})

describe("a pre-vote", () => {
  const request = { _tag: "PreVoteRequest", from: "c", to: "a", lastIndex: 9, lastTerm: 9 } as const

  it("is given for a term that has not begun", () => {
    const network = new Network(three)
    network.seed("a", [1], 5)
    for (const [term, granted] of [
      [4, false],
      [5, false],
      [6, true]
    ] as const) {
      network.receive({ ...request, term })
      assert.deepInclude(network.sent.at(-1), { _tag: "PreVoteResponse", granted, term: granted ? term : 5 })
    }
    assert.deepInclude(network.state("a"), { term: 5, vote: null, role: "Follower" })
  })

  it("counts only in the attempt that asked for it", () => {
    const network = new Network(three)
    network.seed("a", [1], 5)
    network.filter = () => false
    network.run("a", { _tag: "Campaign" })
    const answer = { _tag: "PreVoteResponse", from: "b", to: "a", granted: true } as const
    network.receive({ ...answer, term: 5 })
    network.receive({ ...answer, term: 7 })
    assert.deepInclude(network.state("a"), { role: "PreCandidate", term: 5 })
    network.receive({ ...answer, term: 6 })
    assert.deepInclude(network.state("a"), { role: "Candidate", term: 6 })
  })

  it("is asked for by who no longer counts on its leader", () => {
    const network = new Network(three)
    network.elect("a")
    network.tick(2)
    network.filter = () => false
    network.input("b", { _tag: "Campaign" })
    assert.deepInclude(network.state("b"), { role: "PreCandidate", leader: null, term: 1 })
  })
})
