/** What a crash leaves of the state machine in SQLite, and what must not get into its place. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { execPath } from "node:process"
import { DatabaseSync } from "node:sqlite"
import type { SnapshotImage } from "@nxmesh/raft/node/StateMachine"
import type { FileSystem } from "@nxmesh/raft/storage/file/FileSystem"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { SqliteKeyValue } from "@nxmesh/raft/testing/machine/SqliteKeyValue"
import { Cause, Effect, Exit, Fiber } from "effect"
import { temporaryDirectory } from "./TemporaryDirectory.ts"

const put = (machine: SqliteKeyValue, index: number, value: string): void => {
  const data = encodeCommand({ kind: "put", key: "k", value })
  const changes = {
    expired: [],
    used: [{ session: 1, lastUsed: index, acknowledged: 1 }],
    forgotten: [],
    answered: [{ session: 1, serial: index, result: new TextEncoder().encode(value) }]
  }
  machine.apply({
    commands: [{ index, term: 1, millis: 0, data }],
    last: { index, term: 1 },
    sessionChanges: () => changes
  })
}

/** The one value, the index and the answers: they belong together. */
const stateOf = (machine: SqliteKeyValue): unknown => {
  const result = decodeResult(machine.query(encodeCommand({ kind: "get", key: "k" })))
  const { applied, sessions } = machine.load()
  return {
    value: result.kind === "get" && result.value,
    applied,
    serials: sessions[0]?.answers.map((one) => one.serial)
  }
}

const snapshotOf = (index: number, value: string) =>
  Effect.gen(function* () {
    const machine = new SqliteKeyValue(yield* temporaryDirectory)
    put(machine, index, value)
    const image = yield* machine.snapshot
    const content = yield* image.read(0, image.bytes)
    yield* image.close
    machine.close()
    return content
  })

const imageOf = (index: number, content: Uint8Array): SnapshotImage => ({
  index,
  bytes: content.length,
  read: (offset, bytesMax) => Effect.succeed(content.slice(offset, offset + bytesMax)),
  close: Effect.void
})

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

const onlyState = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory).filter((name) => !/-(wal|shm)$/.test(name))

describe("the SQLite state machine after a crash", () => {
  it.effect("at each step of a restore has the old state or the new one, and no other files", () =>
    Effect.gen(function* () {
      const content = yield* snapshotOf(7, "new")
      const older = JSON.stringify({ value: "old", applied: 3, serials: [3] })
      const newer = JSON.stringify({ value: "new", applied: 7, serials: [7] })
      const seen = new Set<string>()
      let operation = 1
      for (let isOver = false; !isOver; operation++) {
        const directory = yield* temporaryDirectory
        const before = new SqliteKeyValue(directory)
        put(before, 3, "old")
        before.close()
        const { ended, files } = endingAt(operation)
        const machine = new SqliteKeyValue(directory, files)
        const exit = yield* Effect.exit(machine.restore(imageOf(7, content)))
        isOver = !ended()
        assert.strictEqual(Exit.isSuccess(exit), isOver)
        const after = new SqliteKeyValue(directory)
        const state = JSON.stringify(stateOf(after))
        assert.include(isOver ? [newer] : [older, newer], state)
        seen.add(state)
        assert.strictEqual(onlyState(directory).length, 2)
        after.close()
      }
      assert.strictEqual(seen.size, 2)
      assert.isAbove(operation, 8)
    })
  )

  it.effect("at each step of its making is empty, and usable", () =>
    Effect.gen(function* () {
      let operation = 1
      for (let isOver = false; !isOver; operation++) {
        const directory = join(yield* temporaryDirectory, "state")
        const { ended, files } = endingAt(operation)
        try {
          new SqliteKeyValue(directory, files).close()
        } catch {
          // Ended, as it was told to.
        }
        isOver = !ended()
        const machine = new SqliteKeyValue(directory)
        assert.strictEqual(machine.load().applied, 0)
        put(machine, 1, "v")
        assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-1.db"])
        machine.close()
      }
      assert.isAbove(operation, 6)
    })
  )

  it.effect("killed while it applies has whole batches: index, values and sessions of the same one", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const program = join(import.meta.dirname, "ApplyUntilKilled.ts")
      const lastTold = yield* Effect.callback<number>((resume) => {
        const child = execFile(execPath, [program, directory], { maxBuffer: 1e8 }, (_error, stdout) =>
          resume(Effect.succeed(Number(stdout.trimEnd().split("\n").slice(0, -1).at(-1) ?? 0)))
        )
        let told = 0
        child.stdout?.on("data", (text: string) => {
          told += text.length
          if (told > 5_000) child.kill("SIGKILL")
        })
      })
      const machine = new SqliteKeyValue(directory)
      const { applied, sessions } = machine.load()
      assert.isAtLeast(applied, lastTold)
      assert.isAbove(applied, 100)
      assert.strictEqual(applied % 10, 0)
      const { value } = decodeResult(machine.query(encodeCommand({ kind: "get", key: "k" }))) as { value: string }
      assert.strictEqual(value, `${applied}`)
      assert.strictEqual(sessions[0]?.lastUsed, applied)
      machine.close()
    })
  )

  it.effect("does not take what a snapshot left half written", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const machine = new SqliteKeyValue(directory)
      put(machine, 3, "v")
      writeFileSync(join(directory, "snapshot-1.db"), "half")
      machine.close()
      const after = new SqliteKeyValue(directory)
      assert.isFalse(existsSync(join(directory, "snapshot-1.db")))
      const image = yield* after.snapshot
      assert.strictEqual(image.index, 3)
      yield* image.close
      after.close()
    })
  )
})

describe("the -wal of the SQLite state machine", () => {
  it.effect("starts over while entries are applied, and keeps all of them", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const machine = new SqliteKeyValue(directory)
      const wal = new DatabaseSync(join(directory, "state-1.db"))
      const frames = wal.prepare("PRAGMA wal_checkpoint(NOOP)")
      const framesNow = (): number => frames.get()?.["log"] as number
      const due = 16 * 1_024
      let index = 0
      const large = "x".repeat(1_048_576)
      for (let highest = 0; highest < due; highest = framesNow()) put(machine, (index += 1), `${index} ${large}`)
      while (framesNow() > due / 4) {
        put(machine, (index += 1), `${index}`)
        yield* Effect.yieldNow
      }
      assert.isAbove(index, 16)
      wal.close()
      machine.close()
      const after = new SqliteKeyValue(directory)
      assert.include(stateOf(after), { value: `${index}`, applied: index })
      after.close()
    })
  )
})

describe("the SQLite state machine refuses", () => {
  const refusal = Effect.fnUntraced(function* (change: (content: Uint8Array) => Uint8Array, index = 7) {
    const content = yield* snapshotOf(7, "new")
    const machine = new SqliteKeyValue(yield* temporaryDirectory)
    put(machine, 3, "old")
    const exit = yield* Effect.exit(machine.restore(imageOf(index, change(content))))
    assert.deepStrictEqual(stateOf(machine), { value: "old", applied: 3, serials: [3] })
    machine.close()
    return Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "nothing"
  })

  it.effect("a snapshot that is not whole", () =>
    Effect.gen(function* () {
      assert.include(yield* refusal((content) => content.slice(0, content.length - 4_096)), "cannot verify it")
    })
  )

  it.effect("a snapshot with a damaged page", () =>
    Effect.gen(function* () {
      const damaged = yield* refusal((content) =>
        content.map((byte, at) => (at % 4_096 < 100 && at > 4_096 ? 0xff : byte))
      )
      assert.include(damaged, "cannot verify it")
    })
  )

  it.effect("a snapshot that ends with another entry than it says", () =>
    Effect.gen(function* () {
      assert.include(yield* refusal((content) => content, 8), "it ends with entry 7, and the snapshot with 8")
    })
  )

  it.effect("to start with a CURRENT that names nothing, rather than start empty", () =>
    Effect.gen(function* () {
      for (const [content, message] of [
        ["state-9.db\n", "it names state-9.db, which is not there"],
        ["", 'it does not name a state file: ""']
      ] as const) {
        const directory = yield* temporaryDirectory
        new SqliteKeyValue(directory).close()
        writeFileSync(join(directory, "CURRENT"), content)
        assert.throws(() => new SqliteKeyValue(directory), message)
      }
    })
  )
})

describe("a snapshot of the SQLite state machine", () => {
  it.effect("is one flushed file, with the index that is in it, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const machine = new SqliteKeyValue(directory)
      put(machine, 5, "v")
      const image = yield* machine.snapshot
      const path = join(directory, "snapshot-1.db")
      const copy = join(directory, "copy")
      copyFileSync(path, copy)
      assert.strictEqual(readFileSync(path).length, image.bytes)
      const database = new DatabaseSync(copy, { readOnly: true })
      assert.strictEqual(database.prepare("SELECT log_index FROM applied").get()?.["log_index"], image.index)
      database.close()
      yield* image.close
      assert.isFalse(existsSync(path))
      machine.close()
    })
  )

  it.effect("is of one moment, while entries are applied that it does not hold up", () =>
    Effect.gen(function* () {
      const machine = new SqliteKeyValue(yield* temporaryDirectory)
      put(machine, 1, "1")
      const taking = yield* Effect.forkChild(machine.snapshot, { startImmediately: true })
      let last = 1
      while (taking.pollUnsafe() === undefined) {
        last += 1
        put(machine, last, `${last}`)
        yield* Effect.yieldNow
      }
      const image = yield* Fiber.join(taking)
      const content = yield* image.read(0, image.bytes)
      yield* image.close
      assert.isAbove(last, 10)
      assert.isBelow(image.index, last)
      const other = new SqliteKeyValue(yield* temporaryDirectory)
      yield* other.restore(imageOf(image.index, content))
      const serials = Array.from({ length: image.index }, (_, i) => i + 1)
      assert.deepStrictEqual(stateOf(other), { value: `${image.index}`, applied: image.index, serials })
      machine.close()
      other.close()
    })
  )

  it.effect("that is interrupted leaves nothing behind", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const machine = new SqliteKeyValue(directory)
      put(machine, 5, "v")
      yield* machine.snapshot.pipe(Effect.timeoutOption(0))
      assert.deepStrictEqual(onlyState(directory), ["CURRENT", "state-1.db"])
      machine.close()
    })
  )
})
