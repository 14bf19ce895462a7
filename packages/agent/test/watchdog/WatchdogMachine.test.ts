import { assert, describe, it } from "@effect/vitest"
import { Generation } from "@nxmesh/protocol/Ids"
import type { Remedy } from "../../src/watchdog/Remedies.ts"
import { alertsOf } from "../../src/watchdog/WatchdogAlerts.ts"
import {
  type Bounds,
  type Facts,
  initial,
  isAtEnd,
  type State,
  stayed,
  step
} from "../../src/watchdog/WatchdogMachine.ts"

const generation = Generation.make("a".repeat(64))
const another = Generation.make("b".repeat(64))

const bounds: Bounds = {
  deathRoundsMax: 3,
  deathWindowMillis: 30_000,
  silenceMillis: 30_000,
  otherMillis: 5_000,
  wellMillis: 300_000,
  pauseMillis: 5_000,
  waitFactor: 1
}

const fine: Omit<Facts, "nowMillis"> = {
  busy: false,
  wanted: true,
  nginx: "running",
  master: "100 1",
  workersDied: false,
  answer: "settled",
  linked: true,
  generation,
  canStart: true,
  graceMillis: 0
}
const gone = { nginx: "gone", master: null, answer: "nobody" } as const

/** A watchdog that looks once a second; `look` answers the remedies, with the second of each. */
const watchdog = () => {
  let state: State = initial
  let second = 0
  const did: Array<readonly [second: number, remedy: Remedy]> = []
  return {
    did,
    state: () => state,
    stay: () => (state = stayed(state)),
    look: (seconds: number, facts: Partial<Facts> = {}, everySeconds = 1) => {
      for (const end = second + seconds; second < end; second += everySeconds) {
        const next = step(state, { ...fine, ...facts, nowMillis: second * 1_000 }, bounds)
        state = next.state
        for (const remedy of next.outputs) did.push([second, remedy])
      }
      return did
    }
  }
}

describe("the watchdog, of an nginx that is well", () => {
  it("does nothing, whatever binary takes over", () => {
    const { look } = watchdog()
    look(100)
    assert.deepStrictEqual(look(100, { nginx: "upgrading", answer: "nobody" }), [])
  })

  it("rests while somebody else works on nginx, and while none is wanted", () => {
    const { look } = watchdog()
    look(100, { ...gone, busy: true })
    look(100, { ...gone, wanted: false })
    assert.deepStrictEqual(look(100, { answer: "other", busy: true }), [])
  })
})

describe("the watchdog, of an nginx that is gone", () => {
  it("starts it at once, then slower, goes back a generation once, and then tries every five minutes", () => {
    const { look } = watchdog()
    look(1)
    assert.deepStrictEqual(look(1_000, gone), [
      [1, "start"],
      [2, "start"],
      [4, "start"],
      [8, "fall_back"],
      [12, "start"],
      [20, "start"],
      [320, "start"],
      [620, "start"],
      [920, "start"]
    ])
  })

  it("takes one that only serves its last clients for gone", () => {
    assert.deepStrictEqual(watchdog().look(1, { nginx: "quitting", answer: "nobody" }), [[0, "start"]])
  })

  it("waits a while for whoever keeps it, and forgets that when it is there again", () => {
    const { look } = watchdog()
    look(2, { ...gone, graceMillis: 3_000 })
    look(1)
    assert.deepStrictEqual(look(3, { ...gone, graceMillis: 3_000 }), [])
    assert.deepStrictEqual(look(1, { ...gone, graceMillis: 3_000 }), [[6, "start"]])
  })

  it("counts on where it was when nginx dies again soon, and from the first after five minutes without trouble", () => {
    const { did, look } = watchdog()
    look(1, gone)
    look(60)
    look(1, gone)
    look(400)
    look(2, gone)
    assert.deepStrictEqual(did, [
      [0, "start"],
      [61, "start"],
      [462, "start"],
      [463, "start"]
    ])
  })

  it("begins anew with another generation, unless it went back to that itself", () => {
    const { did, look, state } = watchdog()
    look(9, gone)
    assert.deepStrictEqual(did.at(-1), [7, "fall_back"])
    look(30, { ...gone, generation: another })
    assert.strictEqual(did.filter(([, remedy]) => remedy === "fall_back").length, 1)
    assert.strictEqual(state().climbed.gone, 6)
    look(1, gone) // a master sent the first one again
    assert.strictEqual(state().climbed.gone, 1)
    assert.isNull(state().left)
  })

  it("begins anew with what a deployment brings after a way back that failed", () => {
    const { look, state, stay } = watchdog()
    look(9, gone)
    stay()
    look(1, { ...gone, generation: another })
    assert.strictEqual(state().climbed.gone, 1)
  })

  it("begins anew after a person stopped it", () => {
    const { look, state } = watchdog()
    look(30, gone)
    look(1, { ...gone, wanted: false })
    assert.strictEqual(state().climbed.gone, 0)
  })

  it("does nothing about one that it may not start, and says so", () => {
    const { look, state } = watchdog()
    assert.deepStrictEqual(look(1_000, { ...gone, canStart: false }), [])
    const [alert] = alertsOf(state(), { keeper: { _tag: "Person" }, lastError: null })
    assert.strictEqual(alert?.code, "watchdog_gave_up")
    assert.include(alert?.message, "NXMESH_NGINX_SERVICE")
  })
})

describe("the watchdog, of workers that die", () => {
  it("leaves them to their master until it is a loop: then a restart, then the generation before, then nothing", () => {
    const { look, state } = watchdog()
    look(2, { workersDied: true })
    look(60)
    assert.deepStrictEqual(look(1), [])
    look(200, { workersDied: true })
    assert.deepStrictEqual(look(1), [
      [65, "restart"],
      [75, "fall_back"]
    ])
    assert.isTrue(isAtEnd({ ...state(), trouble: "crashing" }, true))
  })

  it("goes back a generation at once when it may not restart nginx", () => {
    const { look } = watchdog()
    assert.deepStrictEqual(look(3, { workersDied: true, canStart: false }), [[2, "fall_back"]])
  })

  it("takes reloads of somebody else, one now and then, for none", () => {
    const { look } = watchdog()
    for (let times = 0; times < 20; times += 1) {
      look(1, { workersDied: true })
      look(15)
    }
    assert.deepStrictEqual(look(1), [])
  })
})

describe("the watchdog, of an nginx that answers nobody", () => {
  it("reloads it after half a minute, restarts it, goes back, and then leaves it alone", () => {
    const { look } = watchdog()
    // The first look has nothing to compare with.
    assert.deepStrictEqual(look(1_000, { answer: "nobody" }), [
      [31, "reload"],
      [62, "restart"],
      [122, "fall_back"]
    ])
  })

  it("forgets a silence that ended, and one in which it could not look itself", () => {
    const { look } = watchdog()
    look(29, { answer: "nobody" })
    look(1)
    look(29, { answer: "nobody" })
    assert.deepStrictEqual(look(600, { answer: "nobody" }, 10), [])
  })

  it("does nothing about a socket whose file is gone: the sites are served", () => {
    assert.deepStrictEqual(watchdog().look(600, { answer: "unknown" }), [])
  })
})

describe("the watchdog, of an nginx that serves another deployment", () => {
  it("reloads what the link names, a few times", () => {
    const { look } = watchdog()
    assert.deepStrictEqual(look(600, { answer: "other" }), [
      [6, "reload"],
      [16, "reload"],
      [76, "reload"]
    ])
  })

  it("leaves it to whoever moved the link", () => {
    assert.deepStrictEqual(watchdog().look(600, { answer: "other", linked: false }), [])
  })
})

describe("what an operator is told", () => {
  const told = (state: State) =>
    alertsOf(state, { keeper: { _tag: "Agent" }, lastError: "port taken" }).map(({ code }) => code)

  it("is nothing, then that it acts, that it gave up, and for a while that there was something", () => {
    const { look, state } = watchdog()
    assert.deepStrictEqual(told(state()), [])
    look(3, gone)
    assert.deepStrictEqual(told(state()), ["watchdog_acting"])
    look(60, gone)
    assert.deepStrictEqual(told(state()), ["watchdog_gave_up"])
    look(10)
    assert.deepStrictEqual(told(state()), ["watchdog_acted"])
    look(400)
    assert.deepStrictEqual(told(state()), [])
  })

  it("is for as long as it lasts that an earlier generation serves", () => {
    const { look, state } = watchdog()
    look(9, gone)
    look(500, { generation: another })
    assert.deepStrictEqual(told(state()), ["fell_back"])
    look(1, { generation })
    assert.deepStrictEqual(told(state()), [])
  })
})
