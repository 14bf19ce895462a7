import { assert, describe, it } from "@effect/vitest"
import { isLost } from "../../src/agents/Claims.ts"
import { masterAddresses } from "../../src/agents/MasterAddresses.ts"
import { type Evidence, judgeWhereabouts, type Sighting } from "../../src/agents/Whereabouts.ts"
import { masterId } from "../state/TestCluster.ts"

const [self, other, third] = [masterId(1), masterId(2), masterId(3)]
const sighting = (fields: Partial<Sighting> = {}): Sighting => ({
  masterId: other,
  connection_epoch: 5,
  connected: true,
  moving: false,
  last_seen_at: "2026-03-02T14:30:00.000Z",
  serving: null,
  health: null,
  heardAtMillis: 100_000,
  countsUntilMillis: 115_000,
  ...fields
})
const judge = (fields: Partial<Evidence> = {}) =>
  judgeWhereabouts({
    nowMillis: 101_000,
    graceMillis: 15_000,
    self: { id: self, incarnation: "s2", startedAtMillis: 90_000 },
    sightings: [],
    claim: undefined,
    master: () => undefined,
    ...fields
  })
const claim = (master_id = other, incarnation = "o1", connection_epoch = 5) => ({
  master_id,
  incarnation,
  connection_epoch
})

describe("judgeWhereabouts", () => {
  it("is absent when nobody knows anything", () => {
    assert.deepStrictEqual(judge(), { present: false, at: null, newest: null })
  })

  it("is where the newest connection is, whoever was heard last", () => {
    const old = sighting({ connection_epoch: 4, masterId: third, last_seen_at: "2026-03-02T15:00:00.000Z" })
    assert.strictEqual(judge({ sightings: [old, sighting()] }).at, other)
    assert.strictEqual(judge({ sightings: [sighting({ connected: false, masterId: third }), sighting()] }).at, other)
  })

  it("counts a master's word for as long as it answers and a while more", () => {
    assert.isTrue(judge({ sightings: [sighting()], nowMillis: 115_000 }).present)
    assert.isFalse(judge({ sightings: [sighting()], nowMillis: 115_001 }).present)
    assert.isFalse(judge({ sightings: [sighting()], nowMillis: 115_001, claim: claim() }).present)
  })

  it("is on its way for a while when its master sent it elsewhere, and gone at once when it left", () => {
    const moving = sighting({ connected: false, moving: true })
    assert.deepStrictEqual(judge({ sightings: [moving] }), { present: true, at: null, newest: moving })
    assert.isFalse(judge({ sightings: [moving], nowMillis: 115_001 }).present)
    assert.isFalse(judge({ sightings: [sighting({ connected: false })] }).present)
    assert.isFalse(judge({ sightings: [sighting({ connected: false })], claim: claim() }).present)
  })

  it("believes a claim that is newer than what was heard", () => {
    const left = sighting({ connected: false, masterId: third, connection_epoch: 4 })
    const known = { incarnation: "o1", firstAnsweredAtMillis: 0, answeredAtMillis: 100_000 }
    assert.strictEqual(judge({ sightings: [left], claim: claim(), master: () => known }).at, other)
  })

  it("gives the agents of a master that has not answered yet the grace from its own start", () => {
    assert.isTrue(judge({ claim: claim(), nowMillis: 105_000 }).present)
    assert.isFalse(judge({ claim: claim(), nowMillis: 105_001 }).present)
  })

  it("gives the agents of a restarted master the grace from when it was back", () => {
    const back = { incarnation: "o2", firstAnsweredAtMillis: 100_000, answeredAtMillis: 120_000 }
    assert.isTrue(judge({ claim: claim(), master: () => back, nowMillis: 115_000 }).present)
    assert.isFalse(judge({ claim: claim(), master: () => back, nowMillis: 115_001 }).present)
  })

  it("gives the agents of its own process before a restart the grace, and no place", () => {
    const own = judge({ claim: claim(self, "s1") })
    assert.deepStrictEqual(own, { present: true, at: null, newest: null })
    assert.isFalse(judge({ claim: claim(self, "s1"), nowMillis: 105_001 }).present)
    assert.isFalse(judge({ claim: claim(self, "s2") }).present)
  })
})

describe("isLost (rule 16)", () => {
  const here = { id: self, incarnation: "s2" }
  it("is decided by the higher epoch, and between equals by who claimed last", () => {
    assert.isFalse(isLost(undefined, here, 5))
    assert.isFalse(isLost(claim(other, "o1", 4), here, 5))
    assert.isTrue(isLost(claim(other, "o1", 5), here, 5))
    assert.isTrue(isLost(claim(other, "o1", 6), here, 5))
    assert.isFalse(isLost(claim(self, "s2", 5), here, 5))
    assert.isTrue(isLost(claim(self, "s1", 5), here, 5))
    assert.isTrue(isLost(claim(self, "s2", 6), here, 5))
  })
})

describe("masterAddresses", () => {
  const at = (agent_address: string) => ({ agent_address })
  it("names every member that says where it is, in one order", () => {
    assert.deepStrictEqual(masterAddresses([at("m2:8443"), at("0.0.0.0:8443"), at("m1:8443"), at("m3:0")], []), [
      "m1:8443",
      "m2:8443"
    ])
  })
  it("falls back to the settings while no member does", () => {
    assert.deepStrictEqual(masterAddresses([], ["own:8443"]), ["own:8443"])
    assert.deepStrictEqual(masterAddresses([at("[::]:8443")], ["own:8443"]), ["own:8443"])
  })
})
