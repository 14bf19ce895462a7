/** What a crash or a power cut leaves of the state: at each step of a restore, and of what was only written. */
import { assert, describe, it } from "@effect/vitest"
import { cpSync, existsSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs"
import { join } from "node:path"
import type { FileSystem } from "@nxmesh/raft/storage/file/FileSystem"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"
import { Effect, Exit } from "effect"
import { readApplied } from "../../../src/state/StateMachine.ts"
import { StateFiles } from "../../../src/state/replica/StateFiles.ts"
import { restoreState } from "../../../src/state/replica/StateSnapshot.ts"
import { saveOrganization, temporaryDirectory } from "../TestMaster.ts"
import { applyAt, dump, dumpOf, imageOf, inState, machineOf, noChanges, snapshotOf } from "./TestState.ts"

/** The process ends in place of the operation with this number, of those that change what the disk holds; later ones do not happen. */
const endingAt = (operation: number): { readonly files: FileSystem; readonly ended: () => boolean } => {
  let count = 0
  const step = <A>(change: () => A): A => {
    count += 1
    if (count >= operation) throw new Error("the process ends")
    return change()
  }
  const files: FileSystem = {
    ...nodeFileSystem,
    open: (path, mode) => {
      const file = mode === "create" ? step(() => nodeFileSystem.open(path, mode)) : nodeFileSystem.open(path, mode)
      return {
        read: (into, offset) => file.read(into, offset),
        size: () => file.size(),
        close: () => file.close(),
        write: (bytes, offset) => step(() => file.write(bytes, offset)),
        sync: () => step(() => file.sync())
      }
    },
    rename: (from, to) => step(() => nodeFileSystem.rename(from, to)),
    remove: (path) => step(() => nodeFileSystem.remove(path)),
    syncDirectory: (path) => step(() => nodeFileSystem.syncDirectory(path))
  }
  return { files, ended: () => count >= operation }
}

const open = (files: FileSystem, directory: string) => new StateFiles(files, join(directory, "state"), () => undefined)

const changes = (index: number) => ({ ...noChanges, used: [{ session: 1, lastUsed: index, acknowledged: 1 }] })

/** A directory whose state ends with this entry. */
const stateUpTo = Effect.fnUntraced(function* (index: number) {
  const directory = yield* temporaryDirectory
  return yield* inState(directory)(
    Effect.gen(function* () {
      applyAt(yield* machineOf, index, [saveOrganization(index)], { changes: changes(index) })
      return { directory, rows: yield* dump, content: yield* snapshotOf }
    })
  )
})

const onlyState = (directory: string): ReadonlyArray<string> =>
  readdirSync(join(directory, "state")).filter((name) => !/-(wal|shm)$/.test(name))

describe("rule 10: a crash", () => {
  it.effect("at each step of a restore leaves the old state or the new one, and no other files", () =>
    Effect.gen(function* () {
      const { content, rows: newer } = yield* stateUpTo(7)
      const { directory: origin, rows: older } = yield* stateUpTo(3)
      const seen = new Set<number>()
      let operation = 1
      for (let isOver = false; !isOver; operation++) {
        const directory = yield* temporaryDirectory
        cpSync(origin, directory, { recursive: true })
        const { ended, files } = endingAt(operation)
        const database = open(files, directory)
        const exit = yield* Effect.exit(restoreState(database, imageOf(7, content)))
        isOver = !ended()
        assert.strictEqual(Exit.isSuccess(exit), isOver)
        const after = open(nodeFileSystem, directory)
        const { index } = readApplied(after.reader)
        assert.include(isOver ? [7] : [3, 7], index)
        assert.deepStrictEqual(dumpOf(after.reader), index === 7 ? newer : older)
        assert.strictEqual(onlyState(directory).length, 2)
        seen.add(index)
        yield* Effect.promise(() => after.close())
        if (isOver) yield* Effect.promise(() => database.close())
      }
      assert.deepStrictEqual([...seen], [3, 7])
      assert.isAbove(operation, 6)
    })
  )

  it.effect("after each piece of a snapshot that comes leaves the old state, and no other files", () =>
    Effect.gen(function* () {
      const { content } = yield* stateUpTo(7)
      const { directory, rows } = yield* stateUpTo(3)
      const pieces = 4
      const piece = Math.ceil(content.length / pieces)
      for (let last = 0; last < pieces; last++) {
        const database = open(nodeFileSystem, directory)
        const cut = {
          ...imageOf(7, content),
          read: (offset: number) =>
            offset >= last * piece
              ? Effect.fail("the process ends")
              : Effect.succeed(content.slice(offset, offset + piece))
        }
        assert.isTrue(Exit.isFailure(yield* Effect.exit(restoreState(database, cut))))
        yield* Effect.promise(() => database.close())
        assert.include(onlyState(directory), "state-2.db")
        const after = open(nodeFileSystem, directory)
        assert.deepStrictEqual(dumpOf(after.reader), rows)
        assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-1.db"])
        yield* Effect.promise(() => after.close())
      }
    })
  )

  it.effect("at each step of the first start leaves an empty state, and a usable one", () =>
    Effect.gen(function* () {
      let operation = 1
      for (let isOver = false; !isOver; operation++) {
        const directory = yield* temporaryDirectory
        const { ended, files } = endingAt(operation)
        try {
          const database = open(files, directory)
          yield* Effect.promise(() => database.close())
        } catch {
          // Ended, as it was told to.
        }
        isOver = !ended()
        yield* inState(directory)(
          Effect.gen(function* () {
            const machine = yield* machineOf
            assert.strictEqual(machine.load().applied, 0)
            applyAt(machine, 1, [saveOrganization(1)])
            assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-1.db"])
          })
        )
      }
      assert.isAbove(operation, 6)
    })
  )
})

describe("rule 9: a power cut", () => {
  it.effect(
    "that takes the end of the -wal leaves whole batches, from which the log is applied again to the same state",
    () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const copies = yield* temporaryDirectory
        const batches = 12
        const apply = (machine: Parameters<typeof applyAt>[0], batch: number) =>
          applyAt(
            machine,
            batch * 10,
            Array.from({ length: 10 }, (_, i) => saveOrganization(batch * 10 - 9 + i)),
            { changes: changes(batch * 10), millis: batch * 1_000 }
          )
        const expected = yield* inState(directory)(
          Effect.gen(function* () {
            const machine = yield* machineOf
            for (let batch = 1; batch <= batches; batch++) apply(machine, batch)
            const bytes = statSync(join(directory, "state", "state-1.db-wal")).size
            for (let cut = 0; cut < 12; cut++) {
              const copy = join(copies, String(cut))
              cpSync(join(directory, "state"), join(copy, "state"), { recursive: true })
              rmSync(join(copy, "state", "state-1.db-shm"))
              // In the middle of a frame, too.
              truncateSync(join(copy, "state", "state-1.db-wal"), Math.floor((bytes * cut) / 12) + (cut % 2) * 333)
            }
            return yield* dump
          })
        )
        const lasts = new Set<number>()
        for (let cut = 0; cut < 12; cut++) {
          yield* inState(join(copies, String(cut)))(
            Effect.gen(function* () {
              const machine = yield* machineOf
              const { applied, sessions } = machine.load()
              lasts.add(applied)
              assert.strictEqual(applied % 10, 0)
              assert.strictEqual(sessions[0]?.lastUsed ?? 0, applied)
              for (let batch = applied / 10 + 1; batch <= batches; batch++) apply(machine, batch)
              assert.deepStrictEqual(yield* dump, expected)
            })
          )
        }
        assert.isAbove(lasts.size, 6)
      })
  )

  it.effect("does not happen to a snapshot that was given away: it is whole without a -wal", () =>
    Effect.gen(function* () {
      const { content, rows } = yield* stateUpTo(7)
      const directory = yield* temporaryDirectory
      yield* inState(directory)(
        Effect.gen(function* () {
          yield* (yield* machineOf).restore(imageOf(7, content))
          const copy = join(directory, "copy")
          cpSync(join(directory, "state"), join(copy, "state"), { recursive: true })
          for (const suffix of ["-wal", "-shm"]) rmSync(join(copy, "state", `state-2.db${suffix}`), { force: true })
          assert.isFalse(existsSync(join(copy, "state", "state-1.db")))
          yield* inState(copy)(Effect.map(dump, (found) => assert.deepStrictEqual(found, rows)))
        })
      )
    })
  )
})
