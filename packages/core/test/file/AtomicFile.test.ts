import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as AtomicFile from "../../src/file/AtomicFile.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-atomic-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

describe("AtomicFile", () => {
  it.effect("replaces the content and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const root = yield* directory
      yield* AtomicFile.write(join(root, "a"), "one")
      yield* AtomicFile.write(join(root, "a"), "two")
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(root)), ["a"])
      assert.strictEqual(yield* Effect.promise(() => readFile(join(root, "a"), "utf8")), "two")
    })
  )

  it.effect("creates a file once: of several at the same time one wins whole, and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const path = join(root, "a")
      const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000))
      const results = yield* Effect.forEach(contents, (text) => Effect.result(AtomicFile.create(path, text)), {
        concurrency: "unbounded"
      })
      const codes = results.flatMap((result) => (result._tag === "Failure" ? [result.failure.code] : []))
      assert.deepStrictEqual(codes, Array(7).fill("EEXIST"))
      assert.include(contents, yield* Effect.promise(() => readFile(path, "utf8")))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(root)), ["a"])
      assert.strictEqual((yield* Effect.promise(() => stat(path))).mode & 0o777, 0o600)
    })
  )

  it.effect("is readable by its owner only, unless told", () =>
    Effect.gen(function* () {
      const root = yield* directory
      yield* AtomicFile.write(join(root, "secret"), "s")
      yield* AtomicFile.write(join(root, "page"), "p", { mode: 0o644 })
      assert.strictEqual((yield* Effect.promise(() => stat(join(root, "secret")))).mode & 0o777, 0o600)
      assert.strictEqual((yield* Effect.promise(() => stat(join(root, "page")))).mode & 0o777, 0o644)
    })
  )

  it.effect("names the path when the directory does not exist", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(AtomicFile.write(join(yield* directory, "none", "a"), "x"))
      assert.include(error.message, "none/a")
      assert.strictEqual(error.code, "ENOENT")
    })
  )

  it.effect("answers null for a file that is not there", () =>
    Effect.gen(function* () {
      assert.isNull(yield* AtomicFile.readIfExists(join(yield* directory, "a")))
    })
  )
})
