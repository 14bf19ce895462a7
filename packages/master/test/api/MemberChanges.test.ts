import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { plannedHandover, refusedChange } from "../../src/api/MemberChanges.ts"
import { joinCommand, unjoinableBecause } from "../../src/api/JoinTokens.ts"
import type { LiveStatus } from "../../src/cluster/ClusterStatus.ts"
import { found, gone, seen, stored } from "../cluster/LiveFixtures.ts"
import { masterId } from "../state/TestCluster.ts"

const three = [stored(1), stored(2), stored(3)]
const remove = (number: number) => ({ _tag: "Remove", id: masterId(number) }) as const

describe("changes of the members", () => {
  it("what would lose the quorum is a conflict that names which masters are down, and why", () => {
    const refusal = refusedChange(remove(2), three, seen([found(1), found(2), gone(3)]))
    assert.strictEqual(refusal?.error.code, "CONFLICT")
    assert.include(refusal?.error.message, "Cannot remove m2: 2 voters must be up afterwards, and 1 would be")
    assert.deepStrictEqual(refusal?.error.details, [
      { field: "", message: `master ${masterId(3)} (m3): does not answer` }
    ])
  })

  it("a dead voter may go, and so may a listener, dead or alive", () => {
    const live = seen([found(1), found(2), gone(3)])
    assert.isNull(refusedChange(remove(3), three, live))
    const listener = { voters: [masterId(1), masterId(2)], learners: [masterId(3)] }
    const masters = [stored(1), stored(2), stored(3, { voter: false })]
    assert.isNull(refusedChange(remove(3), masters, seen([found(1), gone(2), found(3)], listener)))
  })

  it("the last voter neither goes nor stops voting", () => {
    for (const change of [remove(1), { _tag: "Vote", id: masterId(1), voter: false }] as const) {
      const refusal = refusedChange(change, [stored(1)], seen([found(1)]))
      assert.include(refusal?.error.message, "it is the last master that votes")
    }
  })

  it("a master whose disk is full is up, and counts", () => {
    const full = found(2, { healthy: false, problem: "its disk is almost full" })
    assert.isNull(refusedChange(remove(3), three, seen([found(1), full, gone(3)])))
  })

  it("a dead one does not become a voter where that stops the cluster", () => {
    const masters = [stored(1), stored(2, { voter: false })]
    const live = seen([found(1), gone(2)], { voters: [masterId(1)], learners: [masterId(2)] })
    const refusal = refusedChange({ _tag: "Vote", id: masterId(2), voter: true }, masters, live)
    assert.include(refusal?.error.message, "Cannot promote m2")
  })
})

describe("handing over", () => {
  const plan = (to: number | null, live: LiveStatus) => plannedHandover(to === null ? null : masterId(to), live)
  const reason = (to: number | null, live: LiveStatus): string =>
    Result.match(plan(to, live), { onFailure: ({ error }) => `${error.code} ${error.message}`, onSuccess: () => "" })

  it("goes to the voter that has most of the log, when none is named", () => {
    const live = seen([found(1), found(2, { lastIndex: 90 }), found(3, { lastIndex: 95 })])
    assert.deepStrictEqual(plan(null, live), Result.succeed({ from: masterId(1), to: masterId(3) }))
    assert.deepStrictEqual(plan(2, live), Result.succeed({ from: masterId(1), to: masterId(2) }))
    assert.deepStrictEqual(plan(1, live), Result.succeed({ from: masterId(1), to: masterId(1) }))
  })

  it("goes to nobody who is down, only listens, or is alone", () => {
    const live = seen([found(1), gone(2), found(3)], { voters: [masterId(1), masterId(2)], learners: [masterId(3)] })
    assert.include(reason(2, live), "CONFLICT This master could not lead now: does not answer")
    assert.include(reason(3, live), "CONFLICT Only a voter can lead")
    assert.include(reason(null, live), "CONFLICT No other voter is up and well")
    assert.include(reason(null, { ...live, leaderId: null }), "UNAVAILABLE")
  })
})

describe("the command that joins", () => {
  it("names every master, and needs no quotes", () => {
    assert.strictEqual(
      joinCommand(three, "nxj1.00.x"),
      "NXMESH_JOIN=m1.example.com:8443,m2.example.com:8443,m3.example.com:8443 NXMESH_JOIN_TOKEN=nxj1.00.x nxmesh-master"
    )
  })

  it("is not given while nobody could follow it, and what to set is said", () => {
    assert.isNull(unjoinableBecause(three))
    const reason = unjoinableBecause([stored(1, { peer_address: "0.0.0.0:7443", agent_address: "[::]:8443" })])
    assert.include(reason ?? "", "NXMESH_ADVERTISE_PEER (it says 0.0.0.0:7443) and NXMESH_ADVERTISE_AGENT")
    assert.include(unjoinableBecause([stored(1, { peer_address: "10.0.0.1:0" })]) ?? "", "NXMESH_ADVERTISE_PEER")
  })
})
