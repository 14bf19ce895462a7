import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as LineJournal from "../../src/file/LineJournal.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-journal-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

describe("LineJournal", () => {
  it.effect("returns the lines in the order of their appends", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "journal")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const journal = yield* LineJournal.make(path)
          yield* journal.append("one")
          yield* journal.append("two", { durable: false })
          yield* journal.append("drei ß")
        })
      )
      assert.deepStrictEqual((yield* LineJournal.make(path)).content.lines, ["one", "two", "drei ß"])
    })
  )

  it.effect("cuts a torn tail off at every byte, and appends after it", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "journal")
      const whole = LineJournal.frame("first")
      const torn = LineJournal.frame("second")
      for (let length = 0; length < torn.length; length += 1) {
        yield* Effect.promise(() => writeFile(path, whole + torn.slice(0, length)))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const journal = yield* LineJournal.make(path)
            assert.deepStrictEqual(journal.content.lines, ["first"])
            assert.strictEqual(journal.content.damagedLines, 0)
            yield* journal.append("third")
          })
        )
        const text = yield* Effect.promise(() => readFile(path, "utf8"))
        assert.strictEqual(text, whole + LineJournal.frame("third"))
      }
    })
  )

  it.effect("skips and counts a damaged line in the middle", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "journal")
      const bad = LineJournal.frame("second").replace("second", "secund")
      yield* Effect.promise(() => appendFile(path, LineJournal.frame("first") + bad + LineJournal.frame("third")))
      const { content } = yield* LineJournal.make(path)
      assert.deepStrictEqual(content.lines, ["first", "third"])
      assert.strictEqual(content.damagedLines, 1)
    })
  )

  it.effect("appends after a rewrite", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "journal")
      const journal = yield* LineJournal.make(path)
      yield* journal.append("old")
      yield* journal.rewrite(["checkpoint"])
      yield* journal.append("new")
      assert.deepStrictEqual((yield* LineJournal.make(path)).content.lines, ["checkpoint", "new"])
    })
  )
})
