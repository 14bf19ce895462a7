import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as AddressBook from "../../src/nginx/AddressBook.ts"
import { Resolver } from "../../src/nginx/Resolver.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-resolver-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)
const resolve = (dataDirectory: string, names: ReadonlyArray<string>) =>
  Effect.flatMap(Resolver, (resolver) => resolver.resolve(names)).pipe(
    Effect.provide(Resolver.layer({ dataDirectory }))
  )

describe("Resolver", () => {
  it.live("resolves as the system does, and keeps what it learned", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const found = yield* resolve(path, ["localhost", "192.0.2.1", "2001:db8::1"])
      assert.isNotEmpty(found.get("localhost") ?? [])
      assert.deepStrictEqual(found.get("192.0.2.1"), ["192.0.2.1"])
      assert.deepStrictEqual(found.get("2001:db8::1"), ["2001:db8::1"])
      assert.include(yield* Effect.promise(() => readFile(join(path, "addresses.json"), "utf8")), "localhost")
    })
  )

  it.live(
    "answers with the last known addresses of a name that does not resolve, and none for one that never did",
    () =>
      Effect.gen(function* () {
        const path = yield* directory
        yield* Effect.promise(() => writeFile(join(path, "addresses.json"), '{"gone.invalid":["192.0.2.9"]}'))
        const found = yield* resolve(path, ["gone.invalid", "never.invalid"])
        assert.deepStrictEqual(found.get("gone.invalid"), ["192.0.2.9"])
        assert.deepStrictEqual(found.get("never.invalid"), [])
      })
  )

  it.live("starts empty when its file is damaged", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.promise(() => writeFile(join(path, "addresses.json"), '{"a":'))
      assert.deepStrictEqual((yield* resolve(path, ["gone.invalid"])).get("gone.invalid"), [])
    })
  )

  it("sorts addresses, once each, without zones: a resolver that rotates its answers causes no reload", () => {
    assert.deepStrictEqual(AddressBook.literals(["10.0.0.2", "fe80::1%eth0", "10.0.0.1", "10.0.0.2"]), [
      "10.0.0.1",
      "10.0.0.2"
    ])
  })
})
