import * as Endpoints from "@nxmesh/agent/link/Endpoints"
import {
  initialState,
  type LinkEvent,
  linkMachine,
  type LinkPhase,
  type LinkState
} from "@nxmesh/agent/link/LinkMachine"
import { assert, describe, it } from "@effect/vitest"

const at = { nowMillis: 0, random: 0 }
const started = (...urls: ReadonlyArray<string>): LinkEvent => ({ _tag: "Started", urls, ...at })
const woken: LinkEvent = { _tag: "Woken", ...at }
const registered: LinkEvent = { _tag: "Registered", announced: [], ...at }
const subscribed: LinkEvent = { _tag: "Subscribed", ...at }
const lost: LinkEvent = { _tag: "Lost", permanent: false, detail: "broke", ...at }
const refused: LinkEvent = { _tag: "Lost", permanent: true, detail: "revoked", ...at }
const dismissed: LinkEvent = { _tag: "Dismissed", detail: "stops", ...at }

const after = (...events: ReadonlyArray<LinkEvent>) =>
  events.reduce((step, event) => linkMachine.step(step.state, event), linkMachine.step(initialState, woken))

const up = [started("a"), registered, subscribed]

describe("LinkMachine", () => {
  it("goes INIT, CONNECT, STREAM, READY", () => {
    const phases = [[], [started("a")], [started("a"), registered], up].map((events) => after(...events).state.phase)
    assert.deepStrictEqual(phases, ["INIT", "CONNECT", "STREAM", "READY"])
  })

  it("opens the first master when it starts", () => {
    assert.deepStrictEqual(after(started("a", "b")).outputs, [{ _tag: "Open", url: "a" }])
  })

  it("is in ERROR, and waits for nothing, without a master", () => {
    const { outputs, state } = after(started())
    assert.strictEqual(state.phase, "ERROR")
    assert.deepStrictEqual(outputs, [])
    assert.include(state.detail, "NXMESH_MASTER_URL")
  })

  it("waits in RETRY after an attempt that never registered, 1, 2, 4 … 60 s", () => {
    let state: LinkState = after(started("a")).state
    const waits: Array<number> = []
    for (let attempt = 0; attempt < 8; attempt++) {
      const step = linkMachine.step(state, lost)
      assert.strictEqual(step.state.phase, "RETRY")
      const [output] = step.outputs
      if (output?._tag === "Wait") waits.push(output.millis)
      state = linkMachine.step(step.state, woken).state
    }
    assert.deepStrictEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  it("waits in RECONNECT after a connection that stood, from the shortest wait again", () => {
    for (const events of [[started("a"), registered], up]) {
      const { outputs, state } = after(...events, lost)
      assert.strictEqual(state.phase, "RECONNECT")
      assert.deepStrictEqual(outputs, [{ _tag: "Wait", millis: 1_000 }])
    }
    const flapping = after(started("a"), lost, woken, lost, woken, lost, woken, registered, subscribed, lost)
    assert.deepStrictEqual(flapping.outputs, [{ _tag: "Wait", millis: 1_000 }])
  })

  it("keeps the longer wait while connections register and never become ready", () => {
    const { outputs } = after(started("a"), lost, woken, registered, lost)
    assert.deepStrictEqual(outputs, [{ _tag: "Wait", millis: 2_000 }])
  })

  it("tries the other masters at once, and waits only after each had its turn", () => {
    const first = after(started("a", "b", "c"), lost)
    assert.deepStrictEqual(first.outputs, [{ _tag: "Wait", millis: 0 }])
    const second = after(started("a", "b", "c"), lost, woken)
    assert.deepStrictEqual(second.outputs, [{ _tag: "Open", url: "b" }])
    const round = after(started("a", "b", "c"), lost, woken, lost, woken, lost)
    assert.deepStrictEqual(round.outputs, [{ _tag: "Wait", millis: 1_000 }])
  })

  it("spreads failover over a second", () => {
    const { state } = after(started("a", "b"))
    const { outputs } = linkMachine.step(state, { ...lost, random: 0.5 } as LinkEvent)
    assert.deepStrictEqual(outputs, [{ _tag: "Wait", millis: 500 }])
  })

  it("is in ERROR when every master refused for good, and asks again minutes later", () => {
    assert.strictEqual(after(started("a", "b"), refused).state.phase, "RETRY")
    const { outputs, state } = after(started("a", "b"), refused, woken, refused)
    assert.strictEqual(state.phase, "ERROR")
    assert.strictEqual(state.detail, "revoked")
    assert.deepStrictEqual(outputs, [{ _tag: "Wait", millis: 300_000 }])
    assert.strictEqual(linkMachine.step(state, woken).state.phase, "CONNECT")
  })

  it("does not call a refusal permanent once another master only failed", () => {
    assert.strictEqual(after(started("a", "b"), refused, woken, lost).state.phase, "RETRY")
  })

  it("goes to the next master when this one says goodbye", () => {
    const { outputs, state } = after(started("a", "b"), registered, subscribed, dismissed)
    assert.strictEqual(state.phase, "RECONNECT")
    assert.deepStrictEqual(outputs, [{ _tag: "Wait", millis: 0 }])
    assert.deepStrictEqual(linkMachine.step(state, woken).outputs, [{ _tag: "Open", url: "b" }])
  })

  it("learns masters that the cluster announces and never forgets the configured ones", () => {
    const { state } = after(started("a"), { ...registered, announced: ["a", "b"] } as LinkEvent)
    assert.deepStrictEqual(
      state.endpoints.list.map(({ url }) => url),
      ["a", "b"]
    )
  })

  it("ignores every event that means nothing in its phase", () => {
    const meaningless: ReadonlyArray<readonly [LinkPhase, ReadonlyArray<LinkEvent>, ReadonlyArray<LinkEvent>]> = [
      ["INIT", [], [woken, registered, subscribed, lost, dismissed]],
      ["CONNECT", [started("a")], [started("b"), woken, subscribed, dismissed]],
      ["STREAM", [started("a"), registered], [started("b"), woken, registered]],
      ["READY", up, [started("b"), woken, registered, subscribed]],
      ["RETRY", [started("a"), lost], [started("b"), registered, subscribed, lost, dismissed]],
      ["RECONNECT", [...up, lost], [started("b"), registered, subscribed, lost, dismissed]],
      ["ERROR", [started("a"), refused], [started("b"), registered, subscribed, lost, dismissed]]
    ]
    for (const [phase, events, ignored] of meaningless) {
      const { state } = after(...events)
      assert.strictEqual(state.phase, phase)
      for (const event of ignored) {
        assert.deepStrictEqual(linkMachine.step(state, event), { state, outputs: [] }, `${event._tag} in ${phase}`)
      }
    }
  })
})

describe("Endpoints", () => {
  const two = Endpoints.makeEndpoints(["a", "b"])
  const fail = (endpoints: Endpoints.Endpoints, url: string, times: number) =>
    Array.from({ length: times }).reduce<Endpoints.Endpoints>((next) => Endpoints.failed(next, url, null, 0), endpoints)

  it("passes over a master whose breaker is open", () => {
    const open = { ...fail(two, "a", 3), next: 0 }
    assert.strictEqual(Endpoints.choose(open, 0)?.url, "b")
    assert.strictEqual(Endpoints.choose(open, 15_000)?.url, "a")
  })
  it("takes the one whose breaker closes first when all are open", () => {
    const open = fail(two, "b", 3).list.map((endpoint) =>
      endpoint.url === "a" ? { ...endpoint, breaker: { failures: 3, openUntilMillis: 20_000 } } : endpoint
    )
    assert.strictEqual(Endpoints.choose({ list: open, next: 0 }, 0)?.url, "b")
  })
  it("forgets failures of a master that works", () => {
    const works = Endpoints.connected(fail(two, "a", 3), "a")
    assert.strictEqual(Endpoints.choose({ ...works, next: 0 }, 0)?.url, "a")
  })
  it("names no master twice", () => {
    assert.strictEqual(Endpoints.makeEndpoints(["a", "a"]).list.length, 1)
  })
})
