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
const started = (...configured: ReadonlyArray<string>): LinkEvent => ({
  _tag: "Started",
  configured,
  announced: Endpoints.nothingAnnounced,
  ...at
})
const woken: LinkEvent = { _tag: "Woken", ...at }
const registered: LinkEvent = { _tag: "Registered", announced: Endpoints.nothingAnnounced, ...at }
const enrolled: LinkEvent = { _tag: "Enrolled", announced: Endpoints.nothingAnnounced, ...at }
const announced: LinkEvent = { _tag: "Announced", announced: { agentId: null, urls: ["z"] }, ...at }
const subscribed: LinkEvent = { _tag: "Subscribed", ...at }
const lost: LinkEvent = { _tag: "Lost", permanent: false, detail: "broke", ...at }
const refused: LinkEvent = { _tag: "Lost", permanent: true, detail: "revoked", ...at }
const dismissed: LinkEvent = { _tag: "Dismissed", detail: "stops", ...at }

const after = (...events: ReadonlyArray<LinkEvent>) =>
  events.reduce((step, event) => linkMachine.step(step.state, event), linkMachine.step(initialState, woken))

const up = [started("a"), registered, subscribed]

const agentId = "018f0000-0000-7000-8000-000000000001"
const masters = ["m1", "m2", "m3"].map((name) => `wss://${name}:8443/agents`)

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

  it("goes to the master that it prefers as soon as it has enrolled with another", () => {
    const announced = { agentId, urls: masters }
    const [first, second] = Endpoints.makeEndpoints([], announced).list.map(({ url }) => url)
    const elsewhere = after(started(second ?? ""), { _tag: "Enrolled", announced, ...at })
    assert.deepStrictEqual(elsewhere.outputs, [{ _tag: "Open", url: first ?? "" }])
    const lostThere = after(started(second ?? ""), { _tag: "Enrolled", announced, ...at }, lost, woken)
    assert.deepStrictEqual(lostThere.outputs, [{ _tag: "Open", url: second ?? "" }])
    for (const [url, prefersAnother] of [
      [first, false],
      [second, true]
    ] as const) {
      const { endpoints } = after(started(url ?? "")).state
      assert.strictEqual(Endpoints.prefersAnother(endpoints, announced, url ?? "", 0), prefersAnother)
    }
    const { endpoints } = after(started("a", "b")).state
    assert.isFalse(
      Endpoints.prefersAnother(endpoints, { agentId, urls: ["b"] }, "a", 0),
      "one address is the operator's order"
    )
  })

  it("learns masters that the cluster announces and never forgets the configured ones", () => {
    const announced = { agentId, urls: masters }
    const { state } = after(started("wss://other:8443/agents"), { ...registered, announced } as LinkEvent)
    const urls = state.endpoints.list.map(({ url }) => url)
    assert.sameMembers(urls.slice(0, 3), masters)
    assert.strictEqual(urls[3], "wss://other:8443/agents")
  })

  it("follows a change of the masters while it is connected, without leaving its own", () => {
    const first: LinkEvent = { _tag: "Registered", announced: { agentId, urls: masters.slice(0, 2) }, ...at }
    const second: LinkEvent = { _tag: "Announced", announced: { agentId, urls: masters.slice(1) }, ...at }
    const { outputs, state } = after(started(masters[0] ?? ""), first, subscribed, second)
    assert.deepStrictEqual(outputs, [])
    assert.strictEqual(state.phase, "READY")
    assert.strictEqual(state.url, masters[0])
    assert.sameMembers(
      state.endpoints.list.map(({ url }) => url),
      masters
    )
  })

  it("goes to the master that it prefers when another one dismisses it", () => {
    const announced = { agentId, urls: masters }
    const ranked = Endpoints.makeEndpoints([], announced).list.map(({ url }) => url)
    const guest = after(
      started(ranked[2] ?? ""),
      { _tag: "Registered", announced, ...at },
      subscribed,
      dismissed,
      woken
    )
    assert.deepStrictEqual(guest.outputs, [{ _tag: "Open", url: ranked[0] ?? "" }])
  })

  it("tries every other master before the lost one again, and comes back to the preferred one in the next round", () => {
    const announced = { agentId, urls: masters }
    const ranked = Endpoints.makeEndpoints([], announced).list.map(({ url }) => url)
    const events: Array<LinkEvent> = [
      { _tag: "Started", configured: [], announced, ...at },
      { _tag: "Registered", announced, ...at },
      subscribed
    ]
    const opened: Array<string | undefined> = []
    for (let attempt = 0; attempt < 3; attempt++) {
      events.push(lost, woken)
      const [output] = after(...events).outputs
      opened.push(output?._tag === "Open" ? output.url : undefined)
    }
    assert.deepStrictEqual(opened, [ranked[1], ranked[2], ranked[0]])
  })

  /** How each phase is reached, with one master in the settings. */
  const reached: Readonly<Record<LinkPhase, ReadonlyArray<LinkEvent>>> = {
    INIT: [],
    CONNECT: [started("a")],
    STREAM: [started("a"), registered],
    READY: up,
    RETRY: [started("a"), lost],
    RECONNECT: [...up, lost],
    ERROR: [started("a"), refused]
  }
  const events = { started: started("b"), woken, enrolled, registered, announced, subscribed, lost, refused, dismissed }
  type Name = keyof typeof events
  /** Where each event leads, and what is done then; what is not named means nothing there. */
  const edges: Readonly<Record<LinkPhase, Partial<Record<Name, readonly [LinkPhase, ...ReadonlyArray<string>]>>>> = {
    INIT: { started: ["CONNECT", "Open b"] },
    CONNECT: {
      enrolled: ["CONNECT", "Open a"],
      registered: ["STREAM"],
      lost: ["RETRY", "Wait 1000"],
      refused: ["ERROR", "Wait 300000"]
    },
    STREAM: {
      announced: ["STREAM"],
      subscribed: ["READY"],
      lost: ["RECONNECT", "Wait 1000"],
      refused: ["ERROR", "Wait 300000"],
      dismissed: ["RECONNECT", "Wait 0"]
    },
    READY: {
      announced: ["READY"],
      lost: ["RECONNECT", "Wait 1000"],
      refused: ["ERROR", "Wait 300000"],
      dismissed: ["RECONNECT", "Wait 0"]
    },
    RETRY: { woken: ["CONNECT", "Open a"] },
    RECONNECT: { woken: ["CONNECT", "Open a"] },
    ERROR: { woken: ["CONNECT", "Open a"] }
  }

  for (const phase of Object.keys(reached) as ReadonlyArray<LinkPhase>) {
    for (const name of Object.keys(events) as ReadonlyArray<Name>) {
      const edge = edges[phase][name]
      it(`${edge === undefined ? "stays as it is" : `goes to ${edge[0]}`} when ${phase} meets ${name}`, () => {
        const { state } = after(...reached[phase])
        assert.strictEqual(state.phase, phase)
        const step = linkMachine.step(state, events[name])
        if (edge === undefined) return assert.deepStrictEqual(step, { state, outputs: [] })
        const [to, ...outputs] = edge
        assert.strictEqual(step.state.phase, to)
        assert.deepStrictEqual(
          step.outputs.map((output) => (output._tag === "Open" ? `Open ${output.url}` : `Wait ${output.millis}`)),
          outputs
        )
        assert.strictEqual(step.state.url !== null, ["CONNECT", "STREAM", "READY"].includes(to))
      })
    }
  }
})

describe("Endpoints", () => {
  const two = Endpoints.makeEndpoints(["a", "b"])
  const fail = (endpoints: Endpoints.Endpoints, url: string, times: number) =>
    Array.from({ length: times }).reduce<Endpoints.Endpoints>((next) => Endpoints.failed(next, url, null, 0), endpoints)

  it("passes over a master whose breaker is open", () => {
    const open = Endpoints.newRound(fail(two, "a", 3))
    assert.strictEqual(Endpoints.choose(open, 0)?.url, "b")
    assert.strictEqual(Endpoints.choose(open, 15_000)?.url, "a")
  })
  it("takes the one whose breaker closes first when all are open", () => {
    const open = fail(two, "b", 3).list.map((endpoint) =>
      endpoint.url === "a" ? { ...endpoint, breaker: { failures: 3, openUntilMillis: 20_000 } } : endpoint
    )
    assert.strictEqual(Endpoints.choose({ ...two, list: open }, 0)?.url, "b")
  })
  it("does not wait for a master whose breaker is open to end a round", () => {
    assert.isTrue(Endpoints.isRoundOver(Endpoints.failed(Endpoints.newRound(fail(two, "a", 3)), "b", null, 0), 0))
  })
  it("forgets failures of a master that works", () => {
    const works = Endpoints.newRound(Endpoints.connected(fail(two, "a", 3), "a"))
    assert.strictEqual(Endpoints.choose(works, 0)?.url, "a")
  })
  it("names no master twice", () => {
    assert.strictEqual(Endpoints.makeEndpoints(["a", "a"]).list.length, 1)
  })
  it("keeps the operator's order while the cluster has named no other master", () => {
    const [configured, other] = ["wss://z:8443/agents", "wss://a:8443/agents"] as const
    for (const announcement of [Endpoints.nothingAnnounced, { agentId, urls: [other] }]) {
      assert.deepStrictEqual(
        Endpoints.makeEndpoints([configured, other], announcement).list.map(({ url }) => url),
        [configured, other]
      )
    }
  })
  it("drops a master that the cluster no longer names, unless it is configured, and keeps what it knows of the rest", () => {
    const before = fail(Endpoints.makeEndpoints([masters[0] ?? ""], { agentId, urls: masters }), masters[2] ?? "", 3)
    const after = Endpoints.announced(before, { agentId, urls: [masters[2] ?? "", "wss://m4:8443/agents"] })
    assert.sameMembers(
      after.list.map(({ url }) => url),
      [masters[0], masters[2], "wss://m4:8443/agents"]
    )
    assert.strictEqual(after.list.find(({ url }) => url === masters[2])?.breaker.failures, 3)
    assert.strictEqual(Endpoints.announced(before, { agentId, urls: [] }), before)
  })
})
