import { assert, describe, it } from "@effect/vitest"
import type { HostMessage } from "@nxmesh/raft/node/HostMessage"
import type { SnapshotImage, StateMachine } from "@nxmesh/raft/node/StateMachine"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { MemoryKeyValue } from "@nxmesh/raft/testing/machine/MemoryKeyValue"
import { Deferred, Effect } from "effect"
import {
  apply,
  beginInstall,
  collect,
  command,
  empty,
  feed,
  get,
  install,
  makeHost,
  opening,
  put,
  raw,
  transfer
} from "./HostHarness.ts"
import { status } from "./thread/Statuses.ts"

const kinds = (messages: ReadonlyArray<HostMessage>): ReadonlyArray<string> => messages.map(({ kind }) => kind)
const valueOf = (machine: StateMachine, key: string): unknown => decodeResult(machine.query(encodeCommand(get(key))))
const host = (index: number, id: number) => ({ index, to: "host", id }) as const
const call = (index: number, id: number) => ({ index, to: "call", id }) as const

describe("a host that applies", () => {
  it("tells the fiber that proposed a command its result, and the Raft thread how far it is", () => {
    const one = makeHost()
    const replies: Array<unknown> = []
    one.host.propose(Uint8Array.of(), 1_000, collect(replies))
    one.told()
    apply(one.host, [opening(1), command(2, 1, put("k", "v")), command(3, 2, get("k"))], [host(3, 1)])
    assert.deepStrictEqual(replies, [{ kind: "get", value: "v" }])
    assert.deepStrictEqual(one.told(), [{ kind: "applied", index: 3, outcomes: [], rejected: [] }])
    assert.strictEqual(one.host.applied, 3)
  })

  it("tells the Raft thread the outcomes of calls, and nobody those that nobody waits for", () => {
    const { host, told } = makeHost()
    const entries = [opening(1), command(2, 1, put("k", "v")), command(3, 2, get("k")), command(4, 3, get("k"))]
    apply(host, entries, [call(1, 7), call(3, 8)])
    const [applied] = told()
    assert.strictEqual(applied?.kind, "applied")
    if (applied?.kind !== "applied") return
    assert.deepStrictEqual(
      applied.outcomes.map(({ call }) => call),
      [7, 8]
    )
    assert.deepStrictEqual(applied.outcomes[0]?.outcome, { _tag: "Applied", index: 1, result: new Uint8Array(0) })
  })

  it("executes a command once, however often it is in the log, in one batch or several", () => {
    const machine = new MemoryKeyValue()
    const { host, told } = makeHost(machine)
    const swap = { kind: "cas", key: "k", expected: null, value: "mine" } as const
    apply(host, [opening(1), command(2, 1, swap), command(3, 1, swap)], [call(2, 1), call(3, 2)])
    apply(host, [command(4, 1, swap)], [call(4, 3)])
    const outcomes = told().flatMap((message) => (message.kind === "applied" ? message.outcomes : []))
    for (const { outcome } of outcomes) {
      assert.deepStrictEqual(outcome._tag === "Applied" && decodeResult(outcome.result), { kind: "cas", swapped: true })
    }
    assert.strictEqual(outcomes.length, 3)
  })

  it("executes nothing of a session that it does not know, and leaves it to the Raft thread what that means", () => {
    const machine = new MemoryKeyValue()
    const { host: subject, told } = makeHost(machine)
    apply(subject, [command(1, 1, put("k", "v"), { session: 9 })], [host(1, 5)])
    assert.deepStrictEqual(told(), [
      {
        kind: "applied",
        index: 1,
        outcomes: [],
        rejected: [{ request: 5, outcome: { _tag: "SessionExpired", index: 1 } }]
      }
    ])
    assert.deepStrictEqual(valueOf(machine, "k"), { kind: "get", value: null })
  })

  it("counts an entry that is no envelope, and goes on after it", () => {
    const machine = new MemoryKeyValue()
    const { host } = makeHost(machine)
    apply(host, [opening(1), raw(2, Uint8Array.of(9, 9)), command(3, 1, put("k", "v"))])
    assert.strictEqual(host.statusOf(status).undecodable, 1)
    assert.strictEqual(host.applied, 3)
    assert.deepStrictEqual(valueOf(machine, "k"), { kind: "get", value: "v" })
  })

  it("moves the index of the machine for entries that hold no command", () => {
    const machine = new MemoryKeyValue()
    apply(makeHost(machine).host, [empty(1), empty(2)])
    assert.strictEqual(machine.load().applied, 2)
  })

  it("goes on where the machine stands, sessions and all", () => {
    const machine = new MemoryKeyValue()
    apply(makeHost(machine).host, [opening(1), command(2, 1, put("k", "v"))])
    const { host, told } = makeHost(new MemoryKeyValue(machine.image()))
    assert.strictEqual(host.applied, 2)
    apply(host, [command(3, 1, put("k", "other"))], [call(3, 1)])
    assert.deepStrictEqual(kinds(told()), ["applied"])
    assert.deepStrictEqual(valueOf(machine, "k"), { kind: "get", value: "v" })
  })

  it("is in the same state whatever batches the entries came in", () => {
    const entries = [
      opening(1),
      ...Array.from({ length: 60 }, (_, i) => {
        const serial = Math.ceil((i + 1) / 2)
        return command(i + 2, serial, put(`k${i % 7}`, `v${i}`), { acknowledged: Math.max(0, serial - 3) })
      })
    ]
    const images = [1, 7, 61].map((size) => {
      const machine = new MemoryKeyValue()
      const { host } = makeHost(machine)
      for (let at = 0; at < entries.length; at += size) apply(host, entries.slice(at, at + size))
      return Buffer.from(machine.image()).toString()
    })
    assert.strictEqual(new Set(images).size, 1)
  })
})

describe("a host that is read", () => {
  it("replies once everything up to the read index is applied", () => {
    const one = makeHost()
    const replies: Array<unknown> = []
    for (let i = 0; i < 3; i++) one.host.read(1_000, collect(replies))
    one.host.hear({ kind: "read", request: 1, index: 2 })
    one.host.hear({ kind: "read", request: 2, index: 0 })
    one.host.hear({ kind: "read", request: 3, index: 1 })
    assert.deepStrictEqual(replies, [0])
    apply(one.host, [empty(1)])
    assert.deepStrictEqual(replies, [0, 1])
    apply(one.host, [empty(2)])
    assert.deepStrictEqual(replies, [0, 1, 2])
  })

  it("answers questions of clients from what is applied by then", () => {
    const { host, told } = makeHost()
    host.hear({ kind: "query", index: 2, questions: [{ call: 4, data: encodeCommand(get("k")) }] })
    assert.deepStrictEqual(told(), [])
    apply(host, [opening(1), command(2, 1, put("k", "v"))])
    const answers = told().flatMap((message) => (message.kind === "answers" ? message.answers : []))
    assert.deepStrictEqual(
      answers.map(({ call, data, index }) => ({ call, index, data: decodeResult(data) })),
      [{ call: 4, index: 2, data: { kind: "get", value: "v" } }]
    )
  })

  it("does not read from a state that a snapshot is taking the place of", () => {
    const one = makeHost()
    const source = new MemoryKeyValue()
    apply(makeHost(source).host, [opening(1), command(2, 1, put("k", "new"))])
    const replies: Array<unknown> = []
    one.host.read(1_000, collect(replies))
    beginInstall(one, 2, source.image().length)
    one.host.hear({ kind: "read", request: 1, index: 0 })
    assert.deepStrictEqual(replies, [])
    feed(one, source.image())
    assert.deepStrictEqual(replies, [2])
  })
})

describe("a host that is asked by fibers", () => {
  it("passes on what the Raft thread says of failures", () => {
    const { host } = makeHost()
    const replies: Array<unknown> = []
    host.propose(Uint8Array.of(), 1_000, collect(replies))
    host.changeMembers({ voters: ["a"], learners: [], expectedIndex: null }, 1_000, collect(replies))
    const failure = { _tag: "Unknown", reason: "TimedOut" } as const
    host.hear({ kind: "failed", request: 1, failure })
    host.hear({ kind: "failed", request: 1, failure })
    host.hear({
      kind: "changed",
      request: 2,
      accepted: { _tag: "Accepted", context: "c", term: 1, first: 8, last: 8 }
    })
    assert.deepStrictEqual(replies, [failure, 8])
  })

  it("answers pings at once", () => {
    const { host, told } = makeHost()
    host.hear({ kind: "ping", number: 3 })
    assert.deepStrictEqual(told(), [{ kind: "pong", number: 3 }])
  })
})

describe("a host and snapshots", () => {
  const filled = (count: number): MemoryKeyValue => {
    const machine = new MemoryKeyValue()
    const commands = Array.from({ length: count }, (_, i) => command(i + 2, i + 1, put(`k${i}`, `v${i}`)))
    apply(makeHost(machine).host, [opening(1), ...commands])
    return machine
  }

  it("moves a state from one machine to another, chunk by chunk", () => {
    const source = filled(50)
    const target = new MemoryKeyValue()
    const to = makeHost(target)
    const chunks = transfer(makeHost(source), to, 100)
    assert.isAbove(chunks, 10)
    assert.deepStrictEqual(target.image(), source.image())
    assert.strictEqual(to.host.applied, 51)
  })

  it("knows after an install what the sessions in it have executed", () => {
    const target = new MemoryKeyValue()
    const to = makeHost(target)
    install(to, 2, filled(1).image())
    apply(to.host, [command(3, 1, put("k0", "again"))])
    assert.deepStrictEqual(valueOf(target, "k0"), { kind: "get", value: "v0" })
  })

  it("is taken while entries are applied, and does not change", () => {
    const source = filled(3)
    const before = source.image()
    const from = makeHost(source)
    from.host.hear({ kind: "takeSnapshot" })
    apply(from.host, [command(5, 4, put("late", "x"))])
    from.host.hear({ kind: "snapshotWanted", offset: 0, bytesMax: 1_000_000 })
    const chunk = from.told().find(({ kind }) => kind === "snapshotChunk")
    assert.deepStrictEqual(chunk?.kind === "snapshotChunk" && chunk.data, before)
  })

  it("ends with its last chunk, an empty one at once", () => {
    const image: SnapshotImage = { index: 0, bytes: 0, read: () => Effect.die("no"), close: Effect.void }
    const machine = Object.assign(new MemoryKeyValue(), { snapshot: Effect.succeed(image) })
    const { host, told } = makeHost(machine)
    host.hear({ kind: "takeSnapshot" })
    assert.deepStrictEqual(kinds(told()), ["snapshotBegin", "snapshotEnd"])
    host.hear({ kind: "snapshotWanted", offset: 0, bytesMax: 10 })
    assert.deepStrictEqual(told(), [])
  })

  it("that fails stops nothing, and another can be taken", () => {
    let failures = 2
    const machine = filled(3)
    const original = machine.snapshot
    const snapshot = Effect.suspend(() => {
      failures -= 1
      if (failures === 1) return Effect.fail(new Error("disk full"))
      if (failures < 0) return original
      return Effect.map(original, (image) => ({ ...image, read: () => Effect.die(new Error("EIO")) }))
    })
    const { host, stopped, told } = makeHost(Object.assign(machine, { snapshot }))
    host.hear({ kind: "takeSnapshot" })
    assert.deepStrictEqual(told(), [{ kind: "snapshotFailed", message: "disk full" }])
    host.hear({ kind: "takeSnapshot" })
    host.hear({ kind: "snapshotWanted", offset: 0, bytesMax: 10 })
    assert.deepStrictEqual(kinds(told()), ["snapshotBegin", "snapshotFailed"])
    host.hear({ kind: "takeSnapshot" })
    host.hear({ kind: "snapshotWanted", offset: 0, bytesMax: 1_000_000 })
    assert.deepStrictEqual(kinds(told()), ["snapshotBegin", "snapshotChunk", "snapshotEnd"])
    assert.deepStrictEqual(stopped, [])
  })

  it.effect("that came too late, because another is being installed, is closed and not told", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const source = filled(3)
      let closed = 0
      const snapshot = Deferred.await(gate).pipe(
        Effect.andThen(source.snapshot),
        Effect.map((image) => ({ ...image, close: Effect.sync(() => void (closed += 1)) }))
      )
      const one = makeHost(Object.assign(new MemoryKeyValue(), { snapshot }))
      one.host.hear({ kind: "takeSnapshot" })
      install(one, 4, source.image())
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.yieldNow
      assert.strictEqual(closed, 1)
      assert.deepStrictEqual(one.told(), [])
    })
  )

  it("is closed when a new one is taken before its end", () => {
    let closed = 0
    const machine = filled(3)
    const close = Effect.sync(() => void (closed += 1))
    const snapshot = Effect.map(machine.snapshot, (image) => ({ ...image, close }))
    const { host } = makeHost(Object.assign(machine, { snapshot }))
    host.hear({ kind: "takeSnapshot" })
    host.hear({ kind: "takeSnapshot" })
    assert.strictEqual(closed, 1)
    host.hear({ kind: "snapshotWanted", offset: 0, bytesMax: 1_000_000 })
    assert.strictEqual(closed, 2)
  })
})

describe("a host whose state machine fails", () => {
  const eio = (): never => {
    throw new Error("EIO")
  }
  const failing = (what: Partial<StateMachine>) => makeHost(Object.assign(new MemoryKeyValue(), what))

  it("stops at once: tells the Raft thread, whoever waits, and the process, and does nothing any more", () => {
    const { host, stopped, told } = failing({ apply: eio })
    const replies: Array<unknown> = []
    host.propose(Uint8Array.of(), 1_000, collect(replies))
    host.read(1_000, collect(replies))
    told()
    apply(host, [empty(1)])
    const message = "the state machine cannot apply after entry 0: EIO."
    const [failed] = told()
    assert.isTrue(failed?.kind === "hostFailed" && failed.message.startsWith(message))
    assert.isTrue(stopped[0]?.message.startsWith(message))
    assert.deepStrictEqual(replies, [
      { _tag: "Unknown", reason: "Stopped" },
      { _tag: "Refused", reason: "Stopped", leader: null }
    ])
    apply(host, [empty(1)])
    host.hear({ kind: "ping", number: 1 })
    host.hear({ kind: "stopped", failure: new Error("the node stopped") })
    host.propose(Uint8Array.of(), 1_000, collect(replies))
    host.transferLeadership("b")
    assert.deepStrictEqual(told(), [])
    assert.strictEqual(stopped.length, 1)
    assert.deepStrictEqual(replies.at(-1), { _tag: "Refused", reason: "Stopped", leader: null })
  })

  it("does not answer the other questions that wait", () => {
    const { host, stopped, told } = failing({ query: eio })
    const questions = [{ call: 1, data: encodeCommand(get("k")) }]
    host.hear({ kind: "query", index: 1, questions })
    host.hear({ kind: "query", index: 1, questions })
    apply(host, [empty(1)])
    assert.deepStrictEqual(kinds(told()), ["applied", "hostFailed"])
    assert.strictEqual(stopped.length, 1)
  })

  it("stops when a snapshot cannot take the place of its state", () => {
    const { host, stopped, told } = failing({ restore: () => Effect.fail(new Error("ENOSPC")) })
    beginInstall({ host, stopped, told }, 5, 10)
    assert.deepStrictEqual(kinds(told()), ["hostFailed"])
    assert.include(stopped[0]?.message, "cannot restore after entry 0: ENOSPC")
  })

  it("has not failed when its node is closed while a snapshot takes the place of its state", () => {
    const one = failing({ restore: () => Effect.interrupt })
    beginInstall(one, 5, 10)
    assert.deepStrictEqual(one.told(), [])
    assert.deepStrictEqual(one.stopped, [])
  })

  it("stops when a snapshot ends before its size", () => {
    const one = makeHost()
    beginInstall(one, 5, 10)
    feed(one, new Uint8Array(4))
    assert.include(one.stopped[0]?.message, "the snapshot ends before its size")
  })

  it("stops when the state of a snapshot ends elsewhere than the snapshot says", () => {
    const one = makeHost()
    const source = new MemoryKeyValue()
    apply(makeHost(source).host, [empty(1), empty(2)])
    install(one, 3, source.image())
    assert.include(one.stopped[0]?.message, "its state ends with entry 2, that of the snapshot with 3")
  })

  it("stops rather than apply entries that do not follow the last one", () => {
    for (const entries of [[empty(2)], [empty(1), empty(3)]]) {
      const { host, stopped } = makeHost()
      apply(host, entries)
      assert.include(stopped[0]?.message, "do not follow entry 0")
    }
  })

  it("stops when the machine forgets sessions, or a result", () => {
    const forgetful = failing({ apply: ({ commands }) => commands.map(() => Uint8Array.of()) })
    apply(forgetful.host, [empty(1)])
    assert.include(forgetful.stopped[0]?.message, "took the changes of sessions 0 times")
    const short = failing({
      apply: ({ commands, sessionChanges }) => {
        sessionChanges(commands.map(() => Uint8Array.of()))
        return []
      }
    })
    apply(short.host, [opening(1), command(2, 1, get("k"))])
    assert.include(short.stopped[0]?.message, "returned 0 results of 1 commands")
  })
})
