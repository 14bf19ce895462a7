/** Whole databases given away and taken in: what is in them, and what gets in the way. */
import { assert, describe, it } from "@effect/vitest"
import { DatabaseSync } from "node:sqlite"
import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Cause, Effect, Exit, Fiber, Queue } from "effect"
import { Database } from "../../../src/state/Database.ts"
import { Events } from "../../../src/state/Events.ts"
import { Reads } from "../../../src/state/Reads.ts"
import { ReplicatedState } from "../../../src/state/ReplicatedState.ts"
import { organization } from "../../config/Fixtures.ts"
import { saveOrganization, saveWorkspace, temporaryDirectory } from "../TestMaster.ts"
import { applyAt, dump, imageOf, inState, machineOf, noChanges, readImage, snapshotOf } from "./TestState.ts"

const used = (index: number) => ({
  ...noChanges,
  used: [{ session: 1, lastUsed: index, acknowledged: 1 }],
  answered: [{ session: 1, serial: index, result: new TextEncoder().encode(`${index}`) }]
})

const onlyState = (directory: string): ReadonlyArray<string> =>
  readdirSync(join(directory, "state")).filter((name) => !/-(wal|shm)$/.test(name))

const nameOf = (number: number) =>
  Effect.map(
    Effect.flatMap(Reads, (reads) => reads.get("organization", organization(number))),
    (found) => found?.name
  )

/** A state that ends with entry 7, and a snapshot of it. */
const donor = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  return yield* inState(directory)(
    Effect.gen(function* () {
      applyAt(yield* machineOf, 7, [saveOrganization(1, undefined, { name: "Given" }), saveWorkspace(1)], {
        changes: used(7)
      })
      return { content: yield* snapshotOf, rows: yield* dump }
    })
  )
})

describe("a snapshot of the state", () => {
  it.effect("is one flushed file that says which entry it ends with, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* inState(directory)(
        Effect.gen(function* () {
          const machine = yield* machineOf
          applyAt(machine, 5, [saveOrganization(1)])
          const image = yield* machine.snapshot
          const path = join(directory, "state", "snapshot-1.db")
          const copy = join(directory, "copy")
          copyFileSync(path, copy)
          assert.strictEqual((yield* readImage(image)).length, image.bytes)
          const database = new DatabaseSync(copy, { readOnly: true })
          const found = database.prepare("SELECT value FROM meta WHERE name = 'applied_index'").get()
          assert.strictEqual(found?.["value"], String(image.index))
          database.close()
          yield* image.close
          assert.isFalse(existsSync(path))
        })
      )
    })
  )

  it.effect("is of one moment, while commands are applied that it does not hold up", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* inState(directory)(
        Effect.gen(function* () {
          const machine = yield* machineOf
          applyAt(machine, 1, [saveOrganization(1)], { changes: used(1) })
          const taking = yield* Effect.forkChild(machine.snapshot, { startImmediately: true })
          let last = 1
          while (taking.pollUnsafe() === undefined) {
            last += 1
            applyAt(machine, last, [saveOrganization(last)], { changes: used(last) })
            yield* Effect.yieldNow
          }
          const image = yield* Fiber.join(taking)
          const content = yield* readImage(image)
          yield* image.close
          assert.isAbove(last, 10)
          assert.isBelow(image.index, last)
          yield* machine.restore(imageOf(image.index, content))
          const { applied, sessions } = machine.load()
          assert.strictEqual(applied, image.index)
          assert.strictEqual(sessions[0]?.answers.length, image.index)
          const { reader } = yield* Database
          assert.deepStrictEqual(reader.get("SELECT count(*) AS n FROM organizations"), { n: image.index })
        })
      )
    })
  )

  it.effect("that is interrupted leaves nothing behind", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* inState(directory)(
        Effect.gen(function* () {
          const machine = yield* machineOf
          applyAt(machine, 5, [saveOrganization(1)])
          yield* machine.snapshot.pipe(Effect.timeoutOption(0))
          assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-1.db"])
        })
      )
    })
  )

  it.effect("that a crash left half written is removed at the next start", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* inState(directory)(Effect.map(machineOf, (machine) => applyAt(machine, 3, [saveOrganization(1)])))
      for (const name of ["snapshot-1.db", "snapshot-1.db-journal", "state-2.db", "state-2.db-wal", "CURRENT.new"]) {
        writeFileSync(join(directory, "state", name), "half")
      }
      yield* inState(directory)(
        Effect.gen(function* () {
          assert.strictEqual((yield* ReplicatedState).appliedIndex(), 3)
          assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-1.db"])
        })
      )
    })
  )
})

describe("rule 10: a snapshot that takes the place of the state", () => {
  it.effect("is the whole state, here and after a restart, and commands go on from it", () =>
    Effect.gen(function* () {
      const { content, rows } = yield* donor
      const directory = yield* temporaryDirectory
      yield* inState(directory)(
        Effect.gen(function* () {
          const machine = yield* machineOf
          applyAt(machine, 3, [saveOrganization(2), saveOrganization(1, undefined, { name: "Old" })])
          yield* machine.restore(imageOf(7, content))
          assert.deepStrictEqual(yield* dump, rows)
          assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-2.db"])
        })
      )
      yield* inState(directory)(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* dump, rows)
          const machine = yield* machineOf
          assert.strictEqual(machine.load().sessions[0]?.lastUsed, 7)
          assert.deepStrictEqual(
            applyAt(machine, 8, [saveOrganization(2)]).map(({ _tag }) => _tag),
            ["Accepted"]
          )
        })
      )
    })
  )

  it.effect("is read at once by whoever had the connection before, and its followers start over", () =>
    Effect.gen(function* () {
      const { content } = yield* donor
      yield* inState(yield* temporaryDirectory)(
        Effect.gen(function* () {
          const machine = yield* machineOf
          const { subscribe } = yield* Events
          applyAt(machine, 3, [saveOrganization(1, undefined, { name: "Old" })])
          const queue = yield* subscribe
          assert.strictEqual(yield* nameOf(1), "Old")
          yield* machine.restore(imageOf(7, content))
          assert.strictEqual(yield* nameOf(1), "Given")
          assert.deepStrictEqual([...(yield* Queue.takeAll(queue))], [{ index: 7, event: { _tag: "StateReset" } }])
          assert.strictEqual((yield* ReplicatedState).appliedIndex(), 7)
          assert.strictEqual(yield* Effect.flatMap(Reads, (reads) => reads.appliedIndex), 7)
        })
      )
    })
  )

  it.effect("lets everyone read the old state until it is there, and a snapshot of it under way come to nothing", () =>
    Effect.gen(function* () {
      const { content } = yield* donor
      yield* inState(yield* temporaryDirectory)(
        Effect.gen(function* () {
          const machine = yield* machineOf
          applyAt(machine, 3, [saveOrganization(1, undefined, { name: "Old" })])
          const taking = yield* Effect.forkChild(machine.snapshot, { startImmediately: true })
          const restoring = yield* Effect.forkChild(machine.restore(imageOf(7, content)), { startImmediately: true })
          const seen = new Set<unknown>()
          while (restoring.pollUnsafe() === undefined) {
            seen.add(yield* nameOf(1))
            yield* Effect.yieldNow
          }
          yield* Fiber.join(restoring)
          seen.add(yield* nameOf(1))
          assert.deepStrictEqual([...seen], ["Old", "Given"])
          const exit = yield* Fiber.await(taking)
          if (Exit.isSuccess(exit)) yield* exit.value.close
        })
      )
    })
  )

  it.effect("may be followed by another, as often as the leader sends one", () =>
    inStateOf(
      Effect.gen(function* () {
        const machine = yield* machineOf
        for (let round = 1; round <= 3; round++) {
          applyAt(machine, round * 2, [saveOrganization(round)])
          const image = yield* machine.snapshot
          const content = yield* readImage(image, 100_000)
          yield* image.close
          applyAt(machine, round * 2 + 1, [saveOrganization(round + 10)])
          yield* machine.restore(imageOf(round * 2, content))
          assert.strictEqual(machine.load().applied, round * 2)
          assert.isUndefined(yield* nameOf(round + 10))
          assert.strictEqual(yield* nameOf(round), `Organization ${round}`)
        }
      })
    )
  )
})

const inStateOf = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryDirectory, (directory) => inState(directory)(use))

describe("a state directory", () => {
  it.effect("whose CURRENT is gone is refused once another state had taken the first one's place", () =>
    Effect.gen(function* () {
      const { content } = yield* donor
      const directory = yield* temporaryDirectory
      yield* inState(directory)(Effect.flatMap(machineOf, (machine) => machine.restore(imageOf(7, content))))
      rmSync(join(directory, "state", "CURRENT"))
      const exit = yield* Effect.exit(inState(directory)(dump))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "it is not there, and state-2.db is; empty")
      assert.deepStrictEqual(onlyState(directory), ["state-2.db"])
    })
  )
})

describe("a snapshot is refused, and the state that there was stays,", () => {
  const refusal = Effect.fnUntraced(function* (change: (content: Uint8Array) => Uint8Array, index = 7) {
    const { content } = yield* donor
    const directory = yield* temporaryDirectory
    return yield* inState(directory)(
      Effect.gen(function* () {
        const machine = yield* machineOf
        applyAt(machine, 3, [saveOrganization(1, undefined, { name: "Old" })])
        const before = yield* dump
        const exit = yield* Effect.exit(machine.restore(imageOf(index, change(content))))
        assert.deepStrictEqual(yield* dump, before)
        assert.strictEqual(machine.load().applied, 3)
        return Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "nothing"
      })
    )
  })

  it.effect("when it is not whole", () =>
    Effect.gen(function* () {
      assert.include(yield* refusal((content) => content.slice(0, content.length - 4_096)), "cannot verify it")
    })
  )

  it.effect("when a page is damaged", () =>
    Effect.gen(function* () {
      const damaged = yield* refusal((content) =>
        content.map((byte, at) => (at % 4_096 < 100 && at > 4_096 ? 0xff : byte))
      )
      assert.include(damaged, "cannot verify it")
    })
  )

  it.effect("when it ends with another entry than it says", () =>
    Effect.gen(function* () {
      assert.include(yield* refusal((content) => content, 8), "it ends with entry 7, and the snapshot with 8")
    })
  )

  it.effect("when it is of a newer version", () =>
    Effect.gen(function* () {
      // The user version stands at offset 60 of a database's header (sqlite.org/fileformat2.html).
      const newer = yield* refusal((content) => {
        const changed = content.slice()
        new DataView(changed.buffer).setUint32(60, 999)
        return changed
      })
      assert.include(newer, "start the newer NxMesh again")
    })
  )
})
