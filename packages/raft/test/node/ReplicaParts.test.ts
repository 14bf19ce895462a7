import { assert, describe, it } from "@effect/vitest"
import { append, emptyLog } from "@nxmesh/raft/core/Log"
import type { ProposeRequest } from "@nxmesh/raft/core/Message"
import type { State } from "@nxmesh/raft/core/State"
import type { Entry } from "@nxmesh/raft/core/Types"
import { Limits } from "@nxmesh/raft/Limits"
import { ApplyQueue } from "@nxmesh/raft/node/ApplyQueue"
import { Attempts } from "@nxmesh/raft/node/Attempts"
import { AwakeClock } from "@nxmesh/raft/node/AwakeClock"
import { Forwards } from "@nxmesh/raft/node/Forwards"
import { successor } from "@nxmesh/raft/node/Handover"
import type { HostRequest } from "@nxmesh/raft/node/HostMessage"
import { newProposal } from "@nxmesh/raft/node/Proposal"
import { answerTicks, refusedTicks } from "@nxmesh/raft/node/RetryPolicy"
import { compactionIndex } from "@nxmesh/raft/node/SnapshotPolicy"

const commands = (count: number, bytes: number, from = 1): ReadonlyArray<Entry> =>
  Array.from({ length: count }, (_, i) => ({ kind: "Command", term: 1, index: from + i, data: new Uint8Array(bytes) }))

describe("batches for the host", () => {
  const queue = () => {
    const sent: Array<Extract<HostRequest, { readonly kind: "apply" }>> = []
    const host = (request: HostRequest): void => void (request.kind === "apply" && sent.push(request))
    return { sent, queue: new ApplyQueue({ host, claim: () => null }) }
  }

  it("are bounded in entries, and only a few are there at a time", () => {
    const { queue: applies, sent } = queue()
    applies.push(commands(5_000, 0), 0)
    assert.deepStrictEqual(
      sent.map(({ entries }) => entries.length),
      [1_024, 1_024]
    )
    applies.applied(0)
    applies.applied(0)
    applies.applied(0)
    assert.strictEqual(sent.length, 5)
    assert.strictEqual(sent.flatMap(({ entries }) => entries).at(-1)?.index, 5_000)
  })

  it("are bounded in bytes, unless one entry is larger", () => {
    const { queue: applies, sent } = queue()
    applies.push(commands(2, Limits.node.applyBytesMax * 2), 0)
    applies.push(commands(3, Limits.node.applyBytesMax * 0.4, 3), 0)
    applies.applied(0)
    applies.applied(0)
    assert.deepStrictEqual(
      sent.map(({ entries }) => entries.length),
      [1, 1, 2, 1]
    )
  })

  it("follow each other without a gap while more comes than is applied", () => {
    const { queue: applies, sent } = queue()
    for (let from = 1; from <= 60_000; from += 1_500) {
      applies.push(commands(1_500, 0, from), 0)
      applies.applied(0)
    }
    for (let answered = 0; answered < 60; answered++) applies.applied(0)
    const indexes = sent.flatMap(({ entries }) => entries.map(({ index }) => index))
    assert.deepStrictEqual(
      indexes,
      Array.from({ length: 60_000 }, (_, i) => i + 1)
    )
  })

  it("are all applied before a snapshot takes the place of the state", () => {
    const { queue: applies, sent } = queue()
    applies.push(commands(3_000, 0), 0)
    let isDrained = false
    applies.drained(() => (isDrained = true))
    for (let answered = 0; answered < 3; answered++) {
      assert.isFalse(isDrained)
      applies.applied(0)
    }
    assert.isTrue(isDrained)
    assert.strictEqual(sent.length, 3)
  })

  it("say how long the oldest entry waits, and when none does", () => {
    const { queue: applies } = queue()
    applies.push(commands(2_000, 0), 10)
    applies.push(commands(10, 0, 2_001), 20)
    assert.strictEqual(applies.oldestMillis, 10)
    applies.applied(0)
    assert.strictEqual(applies.oldestMillis, 10)
    applies.applied(0)
    assert.strictEqual(applies.oldestMillis, 20)
    applies.applied(0)
    assert.isNull(applies.oldestMillis)
  })
})

describe("an attempt", () => {
  const leadership = { leader: "a", term: 1 }
  const proposal = () => newProposal([], { kind: "OpenSession", nonce: "n" }, new Uint8Array(), 0)

  it("that was refused leaves no doubt; one that was given up before does", () => {
    const attempts = new Attempts()
    const [first, second] = [proposal(), proposal()]
    attempts.begin("1", [first], leadership, 0)
    attempts.begin("2", [second], leadership, 0)
    assert.deepStrictEqual(attempts.refused("1"), [first])
    assert.deepStrictEqual(attempts.unanswered(10, 10), [second])
    assert.deepStrictEqual(attempts.refused("2"), [])
    assert.deepStrictEqual([first.uncertain, second.uncertain], [0, 1])
  })

  it("that was accepted is not repeated under the same leader, however long it takes", () => {
    const attempts = new Attempts()
    const mine = proposal()
    attempts.begin("1", [mine], leadership, 0)
    attempts.accepted("1")
    assert.deepStrictEqual(attempts.unanswered(10_000, 10), [])
    assert.deepStrictEqual(attempts.underOthers(leadership), [])
    assert.deepStrictEqual(attempts.underOthers({ leader: "a", term: 3 }), [mine])
  })

  it("is forgotten when all of it has come", () => {
    const attempts = new Attempts()
    const [first, second] = [proposal(), proposal()]
    attempts.begin("1", [first, second], leadership, 0)
    attempts.settle(first)
    assert.deepStrictEqual(attempts.refused("1"), [second])
    attempts.begin("2", [second], leadership, 0)
    attempts.settle(second)
    assert.deepStrictEqual(attempts.all(), [])
  })
})

describe("waits between attempts", () => {
  it("double, up to an election timeout after a refusal, up to sixteen without an answer", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 4, 5, 100].map((refusals) => refusedTicks(10, refusals)),
      [1, 2, 4, 8, 10, 10]
    )
    assert.deepStrictEqual(
      [0, 1, 2, 3, 5, 100].map((attempts) => answerTicks(10, attempts)),
      [10, 10, 20, 40, 160, 160]
    )
  })
})

describe("forwarded proposals", () => {
  it("are remembered up to a bound", () => {
    const forwards = new Forwards({ state: () => ({}) as State, send: () => undefined, isFull: () => false })
    const admits = (n: number): boolean => forwards.admits({ context: `b/${n}`, from: "b" } as ProposeRequest)
    for (let n = 0; n <= Limits.node.forwardsRemembered; n++) assert.isTrue(admits(n))
    assert.isFalse(admits(Limits.node.forwardsRemembered))
    assert.isFalse(admits(1))
    assert.isTrue(admits(0))
  })
})

describe("the log behind a snapshot", () => {
  const state = { log: append(emptyLog(0, 0), commands(100, 68)) } as State

  it("has as many entries as are to stay, or as many bytes", () => {
    const settings = { snapshotLogBytes: 1_000, trailingEntries: 5, logBytesMax: 0 }
    assert.strictEqual(compactionIndex(state, 90, settings), 85)
    assert.strictEqual(compactionIndex(state, 90, { ...settings, trailingEntries: 1_000 }), 80)
    assert.strictEqual(compactionIndex(state, 90, { ...settings, trailingEntries: 1_000, snapshotLogBytes: 1e6 }), 0)
    assert.strictEqual(compactionIndex(state, 90, { ...settings, snapshotLogBytes: 10 }), 90)
  })
})

describe("awake time", () => {
  it("passes with ticks, and hardly while the process sleeps", () => {
    const clock = new AwakeClock(25, 10, 1_000)
    clock.tick(1_025)
    clock.tick(1_065)
    assert.strictEqual(clock.millis, 65)
    clock.tick(90_000)
    assert.strictEqual(clock.millis, 165)
  })
})

describe("whoever takes over", () => {
  const progress = (match: number, isActive = true) => ({ match, isActive })
  const leading = (members: Readonly<Record<string, ReturnType<typeof progress>>>): State =>
    ({
      role: "Leader",
      progress: new Map(Object.entries(members)),
      configurations: [{ index: 0, configuration: { voters: ["a", "b", "c", "d"] } }]
    }) as unknown as State

  it("is the most complete voter that answers", () => {
    assert.strictEqual(successor(leading({ b: progress(4), c: progress(9), d: progress(7) })), "c")
    assert.strictEqual(successor(leading({ b: progress(4), c: progress(9, false), l: progress(10) })), "b")
  })

  it("is nobody when no voter answers, or this node does not lead", () => {
    assert.isNull(successor(leading({ b: progress(4, false), l: progress(10) })))
    assert.isNull(successor({ ...leading({ b: progress(4) }), role: "Follower" }))
  })
})
