import { assert, describe, it } from "@effect/vitest"
import { addressText } from "@nxmesh/core/settings/SettingValues"
import {
  asideName,
  decideAskedRejoin,
  decideRejoin,
  isAside,
  membersToAsk,
  type RejoinFacts
} from "../../src/consensus/RejoinDecision.ts"
import type { Rejoining } from "../../src/consensus/RejoinFiles.ts"
import { description, masterId } from "../state/TestCluster.ts"

const member = { host: "m9.example.com", port: 8443 }
const facts: RejoinFacts = {
  nodeId: masterId(1),
  rejoining: null,
  divergedIndex: null,
  log: true,
  wasMember: true,
  names: ["node.json", "raft", "state"],
  members: [member]
}
const rejoining: Rejoining = { replaces: masterId(1), reason: "lost", aside: "replaced" }

const decide = (over: Partial<RejoinFacts>) => decideRejoin({ ...facts, ...over })

describe("whether a master takes its own place anew", () => {
  it("is not asked where the log is there and nothing is wrong, or where there never was one", () => {
    assert.deepStrictEqual(decide({}), { _tag: "Start" })
    assert.deepStrictEqual(decide({ log: false, wasMember: false }), { _tag: "Start" })
    assert.deepStrictEqual(decide({ members: [] }), { _tag: "Start" })
  })

  it("begins when the state diverged, and when the log is lost (rule 2)", () => {
    assert.deepStrictEqual(decide({ divergedIndex: 7 }), {
      _tag: "Begin",
      rejoining: { replaces: masterId(1), reason: "diverged", aside: "diverged-7" }
    })
    assert.deepStrictEqual(decide({ log: false }), { _tag: "Begin", rejoining })
  })

  it("goes on with what was begun, and is finished when node.json says who it is now", () => {
    assert.deepStrictEqual(decide({ rejoining, log: false }), { _tag: "Continue", rejoining })
    assert.deepStrictEqual(decide({ rejoining, members: [] }), { _tag: "Continue", rejoining })
    assert.deepStrictEqual(decide({ rejoining, nodeId: masterId(4), log: false }), { _tag: "Finished" })
  })

  it("moves nothing when nobody is known who could let it in", () => {
    for (const over of [{ divergedIndex: 7 }, { log: false }]) {
      const decision = decide({ ...over, members: [] })
      assert.strictEqual(decision._tag === "Refuse" && decision.problem.includes("NXMESH_JOIN"), true)
    }
    assert.strictEqual(decideAskedRejoin({ ...facts, members: [] })._tag, "Refuse")
  })

  it("is done where an operator asks for it, once", () => {
    assert.deepStrictEqual(decideAskedRejoin(facts), {
      _tag: "Begin",
      rejoining: { replaces: masterId(1), reason: "asked", aside: "replaced" }
    })
    assert.strictEqual(decideAskedRejoin({ ...facts, rejoining })._tag, "Continue")
  })

  it("puts what is set aside where nothing is yet", () => {
    assert.strictEqual(asideName(7, ["diverged-7", "diverged-7-2"]), "diverged-7-3")
    assert.strictEqual(asideName(null, ["replaced"]), "replaced-2")
    for (const name of ["diverged-7", "diverged-7-2", "replaced", "replaced-2"]) assert.isTrue(isAside(name), name)
    for (const name of ["diverged.json", "raft", "replaced.txt", "diverged-"]) assert.isFalse(isAside(name), name)
  })

  it("asks the others where they were and where the operator says, each once, and not itself", () => {
    const known = [1, 2, 3].map((number) => description(number))
    const second = description(2).agent_address
    const [host = "", port] = second.split(":")
    const asked = membersToAsk(
      [...known, description(4, { agent_address: "0.0.0.0:8443" })],
      [{ host, port: Number(port) }, member],
      masterId(1)
    )
    assert.deepStrictEqual(asked.map(addressText), [second, addressText(member), description(3).agent_address])
  })
})
