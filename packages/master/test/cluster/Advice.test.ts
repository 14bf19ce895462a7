import { assert, describe, it } from "@effect/vitest"
import { clusterAdvice } from "../../src/cluster/Advice.ts"
import { found, gone, seen, state, stored } from "./LiveFixtures.ts"

const three = [stored(1), stored(2), stored(3)]
const all = [found(1), found(2), found(3)]

describe("advice", () => {
  it("three healthy voters need none", () => {
    assert.deepStrictEqual(clusterAdvice({ state: state(), masters: three, live: seen(all) }), [])
  })

  it("one master and two masters are told what they do not survive", () => {
    assert.deepStrictEqual(clusterAdvice({ state: state(), masters: [stored(1)], live: seen([found(1)]) }), [
      "one voter tolerates no failure: add two masters"
    ])
    const two = clusterAdvice({ state: state(), masters: [stored(1), stored(2)], live: seen([found(1), found(2)]) })
    assert.deepStrictEqual(two, ["two voters tolerate no failure: add a third"])
  })

  it("with as many down as the cluster survives, says that one more stops it, and who", () => {
    const advice = clusterAdvice({ state: state(), masters: three, live: seen([found(1), found(2), gone(3)]) })
    assert.deepStrictEqual(advice, [
      "one more failure stops the cluster: bring back m3, or remove what does not come back and add another",
      "m3: does not answer"
    ])
  })

  it("without a quorum that comes first, and what is down next", () => {
    const live = seen([found(1), gone(2), gone(3)], { leaderId: null })
    const advice = clusterAdvice({ state: state(), masters: three, live })
    assert.include(advice[0], "2 of the 3 voters")
    assert.include(advice[1], "too many voters are down (m2, m3)")
  })

  it("of five one may be down without a word but its own", () => {
    const five = [...three, stored(4), stored(5)]
    const live = seen([...all, found(4), gone(5)])
    assert.deepStrictEqual(clusterAdvice({ state: state(), masters: five, live }), ["m5: does not answer"])
  })

  it("tells the freeze with its reason, what watches warn of, other versions, and who was never heard of, each once", () => {
    const live = seen([found(1), found(2, { version: "0.3.0" })], { warnings: ["m3 is dead", "m3 is dead"] })
    const frozen = state({ frozen: true, freezeReason: "a bad release" })
    assert.deepStrictEqual(clusterAdvice({ state: frozen, masters: three, live }), [
      "deployments are frozen: a bad release",
      "m3 has not been heard of yet",
      "m3 is dead",
      "the masters run different versions (0.2.0, 0.3.0): finish the upgrade"
    ])
  })

  it("a problem that names its master is not named twice", () => {
    const five = [...three, stored(4), stored(5)]
    const away = { ...gone(5), problem: "m5 cannot be reached" }
    const live = seen([...all, found(4), away])
    assert.deepStrictEqual(clusterAdvice({ state: state(), masters: five, live }), ["m5 cannot be reached"])
  })

  it("a master with a problem of its own is alive: it stops no one", () => {
    const full = found(3, { healthy: false, problem: "its disk is almost full" })
    const live = seen([found(1), found(2), full])
    assert.deepStrictEqual(clusterAdvice({ state: state(), masters: three, live }), ["m3: its disk is almost full"])
  })
})
