import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import * as BundleCache from "../../src/cache/BundleCache.ts"
import { emptyBundle } from "../../src/deploy/Baseline.ts"
import { HeldBundle } from "../../src/bundle/HeldBundle.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-cache-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)
const latest = (path: string) =>
  Effect.flatMap(HeldBundle, (held) => held.latest).pipe(
    Effect.provide(BundleCache.layer(path)),
    Effect.provide(Identifiers.layer)
  )
const keep = (path: string) =>
  Effect.flatMap(HeldBundle, (held) => held.keep(emptyBundle)).pipe(
    Effect.provide(BundleCache.layer(path)),
    Effect.provide(Identifiers.layer)
  )

describe("BundleCache", () => {
  it.effect("gives back after a restart what was kept, and nothing before", () =>
    Effect.gen(function* () {
      const path = yield* directory
      assert.isNull(yield* latest(path))
      yield* keep(path)
      assert.deepStrictEqual(yield* latest(path), emptyBundle)
    })
  )

  it.effect("is readable by its owner only, and so is its key", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* keep(path)
      for (const name of ["bundle.sealed", "cache.key"]) {
        assert.strictEqual((yield* Effect.promise(() => stat(join(path, name)))).mode & 0o777, 0o600)
      }
    })
  )

  it.effect("does not use a cache that was changed or cut short, and starts all the same", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* keep(path)
      const file = join(path, "bundle.sealed")
      const text = yield* Effect.promise(() => readFile(file, "utf8"))
      const damaged = text.replace(
        /"ciphertext":"../,
        (start) => `${start.slice(0, -2)}${start.endsWith("AA") ? "BB" : "AA"}`
      )
      for (const content of [text.slice(0, 40), damaged, ""]) {
        yield* Effect.promise(() => writeFile(file, content))
        assert.isNull(yield* latest(path))
      }
    })
  )
})
