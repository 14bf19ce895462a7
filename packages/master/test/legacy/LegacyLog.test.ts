import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { openLegacyLog } from "../../src/legacy/LegacyLog.ts"
import { temporaryDirectory } from "../state/TestMaster.ts"
import { writeLog } from "./WriteLog.ts"

const contents = Effect.fnUntraced(function* (directory: string, from = 1) {
  const log = yield* openLegacyLog(directory)
  const seen: Array<readonly [number, string]> = []
  yield* log.read(from, (records) =>
    Effect.sync(() => {
      for (const { index, payload } of records) seen.push([index, Buffer.from(payload).toString()])
    })
  )
  return { ...log, seen }
})

const problemOf = (directory: string) =>
  Effect.map(Effect.exit(contents(directory)), (exit) => (Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "none"))

describe("a log from before Raft", () => {
  it.effect("gives what was appended, in order, from any index on", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeLog(directory, [["a", "b"], ["c"], ["d", "e"]], 5)
      const { firstIndex, lastIndex, seen } = yield* contents(directory, 7)
      assert.deepStrictEqual([firstIndex, lastIndex], [5, 9])
      assert.deepStrictEqual(seen, [
        [7, "c"],
        [8, "d"],
        [9, "e"]
      ])
    })
  )

  it.effect("may be empty", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      assert.deepInclude(yield* contents(directory), { firstIndex: 1, lastIndex: 0, seen: [] })
      writeLog(directory, [[]])
      assert.deepInclude(yield* contents(directory), { firstIndex: 1, lastIndex: 0, seen: [] })
    })
  )

  it.effect("ends before a write that a power cut ended, and stays as it is", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const [, last = ""] = writeLog(directory, [["a"], ["b", "c"]])
      truncateSync(last, readFileSync(last).length - 1)
      appendFileSync(last, "rubbish")
      const bytes = readFileSync(last)
      assert.deepStrictEqual((yield* contents(directory)).seen, [
        [1, "a"],
        [2, "b"]
      ])
      assert.deepStrictEqual(readFileSync(last), bytes)
      truncateSync(last, 3)
      assert.deepStrictEqual((yield* contents(directory)).seen, [[1, "a"]])
    })
  )

  it.effect("that is damaged in the middle is refused by file and offset", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const [first = ""] = writeLog(directory, [["aaaaaaaa"], ["b"]])
      const bytes = readFileSync(first)
      bytes[50] = (bytes[50] ?? 0) ^ 1
      writeFileSync(first, bytes)
      const problem = yield* problemOf(directory)
      assert.include(problem, first)
      assert.include(problem, "offset 16")
      assert.include(problem, "restore the data directory from a backup")
    })
  )

  it.effect("that lacks a segment is refused", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const [, middle = ""] = writeLog(directory, [["a"], ["b"], ["c"]])
      rmSync(middle)
      assert.include(yield* problemOf(directory), "entry 2 is missing")
    })
  )
})
