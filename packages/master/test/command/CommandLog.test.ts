import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer } from "effect"
import { appendFile, readdir, readFile, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CommandLog } from "../../src/command/CommandLog.ts"
import { Limits } from "../../src/Limits.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { temporaryDirectory } from "../state/TestMaster.ts"

const withLog = <A, E>(directory: string, use: (log: CommandLog["Service"]) => Effect.Effect<A, E>) =>
  CommandLog.use(use).pipe(Effect.provide(CommandLog.layerNoDeps.pipe(Layer.provide(DataDirectory.layerAt(directory)))))

const append = (directory: string, ...batches: ReadonlyArray<ReadonlyArray<string>>) =>
  withLog(directory, (log) => Effect.forEach(batches, (batch) => log.append(batch.map((text) => Buffer.from(text)))))

const contents = (directory: string, from = 1) =>
  withLog(directory, (log) =>
    Effect.gen(function* () {
      const seen: Array<readonly [number, string]> = []
      yield* log.read(from, (records) =>
        Effect.sync(() => {
          for (const { index, payload } of records) seen.push([index, Buffer.from(payload).toString()])
        })
      )
      return seen
    })
  )

const segments = (directory: string) =>
  Effect.promise(async () => (await readdir(join(directory, "log"))).sort().map((name) => join(directory, "log", name)))

const big = "x".repeat(Limits.command.segmentBytesMax)

describe("CommandLog", () => {
  it.effect("gives what was appended, in order, after it was opened again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      assert.deepStrictEqual(yield* append(directory, ["a", "b"], ["c"]), [1, 3])
      assert.deepStrictEqual(yield* append(directory, ["d"]), [4])
      assert.deepStrictEqual(yield* contents(directory, 2), [
        [2, "b"],
        [3, "c"],
        [4, "d"]
      ])
    })
  )

  it.effect("cuts a torn tail off and goes on after the last whole entry", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* append(directory, ["a"], ["b"])
      const [file = ""] = yield* segments(directory)
      yield* Effect.promise(async () => truncate(file, (await readFile(file)).length - 1))
      assert.deepStrictEqual(yield* append(directory, ["c"]), [2])
      assert.deepStrictEqual(yield* contents(directory), [
        [1, "a"],
        [2, "c"]
      ])
      yield* Effect.promise(() => appendFile(file, Buffer.from("rubbish of a write that never finished")))
      assert.deepStrictEqual((yield* contents(directory)).length, 2)
    })
  )

  it.effect("stops at a damaged middle and names the file and the offset", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* append(directory, ["aaaaaaaa"], ["b"])
      const [file = ""] = yield* segments(directory)
      yield* Effect.promise(async () => {
        const bytes = await readFile(file)
        bytes[50] = (bytes[50] ?? 0) ^ 1
        await writeFile(file, bytes)
      })
      const exit = yield* Effect.exit(contents(directory))
      assert.isTrue(Exit.isFailure(exit))
      const text = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
      assert.include(text, file)
      assert.include(text, "offset 16")
    })
  )

  it.effect("stops when a segment in the middle is gone", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* append(directory, [big], [big], ["c"])
      const [, middle = ""] = yield* segments(directory)
      yield* Effect.promise(() => import("node:fs/promises").then(({ rm }) => rm(middle)))
      const exit = yield* Effect.exit(contents(directory))
      assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("entry 2 is missing"))
    })
  )

  it.effect("rule 9: cut forgets whole segments at or below the index, never the one that is written", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* append(directory, [big], [big, "c"], ["d"])
      assert.strictEqual((yield* segments(directory)).length, 3)
      yield* withLog(directory, (log) => log.cut(2))
      assert.strictEqual((yield* segments(directory)).length, 2)
      yield* withLog(directory, (log) => log.cut(100))
      assert.strictEqual((yield* segments(directory)).length, 1)
      assert.deepStrictEqual(yield* contents(directory), [[4, "d"]])
      assert.deepStrictEqual(yield* append(directory, ["e"]), [5])
    })
  )

  it.effect("a segment whose making was cut short is made again", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* append(directory, [big], ["b"])
      const [, last = ""] = yield* segments(directory)
      yield* Effect.promise(() => truncate(last, 3))
      assert.deepStrictEqual(yield* append(directory, ["again"]), [2])
      assert.strictEqual((yield* contents(directory, 2))[0]?.[1], "again")
    })
  )
})
