/** One contract for the state machine in memory and for the one in SQLite. */
import { assert, describe, it } from "@effect/vitest"
import type { Index } from "@nxmesh/raft/core/Types"
import type { SessionChanges } from "@nxmesh/raft/node/Sessions"
import type { Batch, SnapshotImage, StateMachine } from "@nxmesh/raft/node/StateMachine"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import type { KeyValueCommand, KeyValueResult } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { MemoryKeyValue } from "@nxmesh/raft/testing/machine/MemoryKeyValue"
import { SqliteKeyValue } from "@nxmesh/raft/testing/machine/SqliteKeyValue"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { Effect } from "effect"
import type { Scope } from "effect"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

interface Subject {
  readonly machine: StateMachine
  /** Closed and opened again. */
  readonly reopen: () => Subject
}

const inMemory = (machine = new MemoryKeyValue()): Subject => ({
  machine,
  reopen: () => inMemory(new MemoryKeyValue(machine.image()))
})

const inSqlite = (directory: string): Subject => {
  const machine = new SqliteKeyValue(directory)
  return {
    machine,
    reopen: () => {
      machine.close()
      return inSqlite(directory)
    }
  }
}

const noChanges: SessionChanges = { expired: [], used: [], forgotten: [], answered: [] }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const batch = (
  index: Index,
  commands: ReadonlyArray<Uint8Array>,
  sessionChanges: Batch["sessionChanges"] = () => noChanges
): Batch => ({
  commands: commands.map((data, i) => ({ index: index - commands.length + 1 + i, term: 2, millis: 0, data })),
  last: { index, term: 2 },
  sessionChanges
})

const run = (machine: StateMachine, index: Index, ...commands: ReadonlyArray<KeyValueCommand>) =>
  machine.apply(batch(index, commands.map(encodeCommand))).map(decodeResult)
const ask = (machine: StateMachine, question: KeyValueCommand): KeyValueResult =>
  decodeResult(machine.query(encodeCommand(question)))
const valueOf = (machine: StateMachine, key: string): unknown => {
  const result = ask(machine, { kind: "get", key })
  return result.kind === "get" ? result.value : result
}
const put = (key: string, value: string): KeyValueCommand => ({ kind: "put", key, value })
const answered = (session: number, serial: number, result: string | null) => ({
  session,
  serial,
  result: result === null ? null : bytes(result)
})

const readAll = Effect.fnUntraced(function* (image: SnapshotImage, chunkBytes: number) {
  const parts: Array<Uint8Array> = []
  for (let at = 0; at < image.bytes;) {
    const part = yield* image.read(at, chunkBytes)
    parts.push(part)
    at += part.length
  }
  return new Uint8Array(Buffer.concat(parts))
})

const imageOf = (index: Index, content: Uint8Array): SnapshotImage => ({
  index,
  bytes: content.length,
  read: (offset, bytesMax) => Effect.succeed(content.slice(offset, offset + bytesMax)),
  close: Effect.void
})

const sessionsOf = (machine: StateMachine): unknown =>
  machine
    .load()
    .sessions.toSorted((a, b) => a.session - b.session)
    .map((row) => ({ ...row, answers: row.answers.toSorted((a, b) => a.serial - b.serial) }))

const contract = (make: Effect.Effect<Subject, never, Scope.Scope>) => {
  it.effect("begins empty, before the first entry", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      assert.deepStrictEqual(machine.load(), { applied: 0, sessions: [] })
      assert.isNull(valueOf(machine, "k"))
    })
  )

  it.effect("executes commands in their order", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      const results = run(
        machine,
        9,
        put("k", "1"),
        { kind: "cas", key: "k", expected: "2", value: "3" },
        { kind: "cas", key: "k", expected: "1", value: "2" },
        { kind: "get", key: "k" },
        { kind: "cas", key: "new", expected: null, value: "" },
        { kind: "cas", key: "new", expected: null, value: "x" },
        { kind: "delete", key: "k" },
        { kind: "get", key: "k" },
        { kind: "get", key: "new" }
      )
      assert.deepStrictEqual(results, [
        { kind: "put" },
        { kind: "cas", swapped: false },
        { kind: "cas", swapped: true },
        { kind: "get", value: "2" },
        { kind: "cas", swapped: true },
        { kind: "cas", swapped: false },
        { kind: "delete" },
        { kind: "get", value: null },
        { kind: "get", value: "" }
      ])
    })
  )

  it.effect("keeps keys apart that look alike", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      const keys = ["", "a", "A", "a\0", "a\0b", "é", "e\u0301", "\ufeffa", "1", "1.0", "x".repeat(2_000)]
      run(machine, keys.length, ...keys.map((key) => put(key, `value of ${key}`)))
      for (const key of keys) assert.strictEqual(valueOf(machine, key), `value of ${key}`)
    })
  )

  it.effect("answers what is no command, and changes nothing", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      run(machine, 1, put("k", "v"))
      const swap = encodeCommand({ kind: "cas", key: "k", expected: "v", value: "w" })
      const noCommands = [
        new Uint8Array(0),
        Uint8Array.of(1, 0),
        Uint8Array.of(99, 1, 0, 107),
        encodeCommand(put("k", "")).subarray(0, 3),
        swap.subarray(0, 6),
        swap.subarray(0, 8)
      ]
      const results = machine.apply(batch(7, noCommands)).map(decodeResult)
      for (const result of results) assert.deepStrictEqual(result, { kind: "invalid" })
      assert.strictEqual(valueOf(machine, "k"), "v")
    })
  )

  it.effect("takes as a question only what changes nothing", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      run(machine, 1, put("k", "v"))
      for (const command of [put("k", "w"), { kind: "delete", key: "k" } as const]) {
        assert.deepStrictEqual(ask(machine, command), { kind: "invalid" })
      }
      assert.strictEqual(valueOf(machine, "k"), "v")
    })
  )

  it.effect("keeps values, index and sessions when it is opened again", () =>
    Effect.gen(function* () {
      const subject = yield* make
      const changes = (): SessionChanges => ({
        ...noChanges,
        used: [{ session: 3, lastUsed: 9, acknowledged: 2 }],
        answered: [answered(3, 5, ""), answered(3, 2, "two"), answered(3, 4, null)]
      })
      subject.machine.apply(batch(9, [encodeCommand(put("k", "v"))], changes))
      const { machine } = subject.reopen()
      assert.strictEqual(machine.load().applied, 9)
      assert.strictEqual(valueOf(machine, "k"), "v")
      const answers = [
        { serial: 2, result: bytes("two") },
        { serial: 4, result: null },
        { serial: 5, result: bytes("") }
      ]
      assert.deepStrictEqual(sessionsOf(machine), [{ session: 3, lastUsed: 9, acknowledged: 2, answers }])
    })
  )

  it.effect("moves its index for a batch without commands", () =>
    Effect.gen(function* () {
      const subject = yield* make
      subject.machine.apply(batch(4, []))
      assert.strictEqual(subject.reopen().machine.load().applied, 4)
    })
  )

  it.effect("forgets answers and sessions when it is told to", () =>
    Effect.gen(function* () {
      const subject = yield* make
      const { machine } = subject
      const used = [1, 2].map((session) => ({ session, lastUsed: session, acknowledged: 1 }))
      const first = [answered(1, 1, "a"), answered(1, 2, "b"), answered(2, 1, "c")]
      machine.apply(batch(2, [], () => ({ ...noChanges, used, answered: first })))
      machine.apply(batch(3, [], () => ({ ...noChanges, used, answered: [answered(1, 3, "d")] })))
      machine.apply(
        batch(4, [], () => ({
          expired: [2],
          used: [{ session: 1, lastUsed: 4, acknowledged: 2 }],
          forgotten: [{ session: 1, below: 2 }],
          answered: [answered(1, 4, "e")]
        }))
      )
      const answers = ["b", "d", "e"].map((text, i) => ({ serial: i + 2, result: bytes(text) }))
      const expected = [{ session: 1, lastUsed: 4, acknowledged: 2, answers }]
      assert.deepStrictEqual(sessionsOf(machine), expected)
      assert.deepStrictEqual(sessionsOf(subject.reopen().machine), expected)
    })
  )

  it.effect("has a snapshot that later commands do not change, and that a new machine becomes", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      const used = [{ session: 3, lastUsed: 9, acknowledged: 1 }]
      const sessionChanges = () => ({ ...noChanges, used, answered: [answered(3, 1, "x")] })
      machine.apply(batch(9, [encodeCommand(put("k", "v"))], sessionChanges))
      const image = yield* machine.snapshot
      run(machine, 10, put("k", "later"))
      assert.strictEqual(image.index, 9)
      const content = yield* readAll(image, 1_000)
      yield* image.close
      const target = yield* make
      run(target.machine, 3, put("old", "state"), put("k", "old"))
      yield* target.machine.restore(imageOf(9, content))
      for (const subject of [() => target, target.reopen]) {
        const restored = subject().machine
        assert.strictEqual(restored.load().applied, 9)
        assert.deepStrictEqual(sessionsOf(restored), [
          { session: 3, lastUsed: 9, acknowledged: 1, answers: [{ serial: 1, result: bytes("x") }] }
        ])
        assert.strictEqual(valueOf(restored, "k"), "v")
        assert.isNull(valueOf(restored, "old"))
      }
    })
  )

  it.effect("goes on from a restored state, and can be snapshotted and restored again", () =>
    Effect.gen(function* () {
      const { machine } = yield* make
      for (let round = 1; round <= 3; round++) {
        run(machine, round * 2, put("k", `${round}`))
        const image = yield* machine.snapshot
        const content = yield* readAll(image, 100_000)
        yield* image.close
        run(machine, round * 2 + 1, put("k", "lost"))
        yield* machine.restore(imageOf(round * 2, content))
        assert.deepStrictEqual([machine.load().applied, valueOf(machine, "k")], [round * 2, `${round}`])
      }
    })
  )
}

describe("a state machine in memory", () => contract(Effect.sync(() => inMemory())))
describe("a state machine in SQLite", () => contract(Effect.map(temporaryDirectory, inSqlite)))

describe("the two state machines", () => {
  it.effect("give the same results for the same commands", () =>
    Effect.gen(function* () {
      const random = new SeededRandom(7)
      const memory = new MemoryKeyValue()
      const sqlite = inSqlite(yield* temporaryDirectory).machine
      const text = (): string => String(random.between(0, 3))
      for (let index = 20; index <= 2_000; index += 20) {
        const commands = Array.from({ length: 20 }, (): KeyValueCommand => {
          const key = `key ${random.between(0, 5)}`
          switch (random.between(0, 3)) {
            case 0:
              return put(key, text())
            case 1:
              return { kind: "get", key }
            case 2:
              return { kind: "delete", key }
            default:
              return { kind: "cas", key, expected: random.chance(30) ? null : text(), value: text() }
          }
        })
        assert.deepStrictEqual(run(sqlite, index, ...commands), run(memory, index, ...commands))
      }
    })
  )
})
