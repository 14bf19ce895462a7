import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
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

  it.live("does not wait for a dead resolver where it knows an address, and for other names once", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* directory
      yield* Effect.promise(() => writeFile(join(dataDirectory, "addresses.json"), '{"known.example":["192.0.2.9"]}'))
      const dead = Promise.withResolvers<ReadonlyArray<string>>()
      yield* Effect.gen(function* () {
        const resolver = yield* Resolver
        const timed = (names: ReadonlyArray<string>) =>
          Effect.map(Effect.timed(resolver.resolve(names)), ([took, found]) => ({
            millis: Duration.toMillis(took),
            found: Object.fromEntries(found)
          }))
        const known = yield* timed(["known.example"])
        assert.deepStrictEqual(known.found, { "known.example": ["192.0.2.9"] })
        assert.isBelow(known.millis, 1_400)
        const first = yield* timed(["known.example", "never.example"])
        assert.isAtLeast(first.millis, 1_500)
        assert.deepStrictEqual(first.found, { "known.example": ["192.0.2.9"], "never.example": [] })
        assert.isBelow((yield* timed(["known.example", "never.example"])).millis, 1_400)
      }).pipe(
        Effect.ensuring(Effect.sync(() => dead.resolve([]))),
        Effect.provide(Resolver.layer({ dataDirectory, lookup: () => dead.promise, timeout: Duration.millis(1_500) }))
      )
    })
  )

  it.live("takes a late answer, and keeps it for a restart", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* directory
      const answer = Promise.withResolvers<ReadonlyArray<string>>()
      const lookup = (name: string) => (name === "late.example" ? answer.promise : Promise.resolve(["192.0.2.2"]))
      yield* Effect.gen(function* () {
        const resolver = yield* Resolver
        const late = Effect.map(resolver.known(["late.example"]), (found) => found.get("late.example"))
        yield* resolver.resolve(["late.example"])
        assert.deepStrictEqual(yield* late, [])
        answer.resolve(["192.0.2.1"])
        while ((yield* late)?.length === 0) yield* Effect.sleep("1 millis")
        yield* resolver.resolve(["other.example"])
      }).pipe(Effect.provide(Resolver.layer({ dataDirectory, lookup, timeout: Duration.millis(20) })))
      const kept = yield* Effect.promise(() => readFile(join(dataDirectory, "addresses.json"), "utf8"))
      assert.deepStrictEqual(JSON.parse(kept), { "late.example": ["192.0.2.1"], "other.example": ["192.0.2.2"] })
    })
  )

  it.live("keeps the last addresses of a name that has none any more", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* directory
      let found: ReadonlyArray<string> = ["192.0.2.1"]
      yield* Effect.gen(function* () {
        const resolver = yield* Resolver
        yield* resolver.resolve(["a.example"])
        found = []
        assert.deepStrictEqual((yield* resolver.resolve(["a.example"])).get("a.example"), ["192.0.2.1"])
      }).pipe(Effect.provide(Resolver.layer({ dataDirectory, lookup: () => Promise.resolve(found) })))
    })
  )

  it("sorts addresses, once each, without zones: a resolver that rotates its answers causes no reload", () => {
    assert.deepStrictEqual(AddressBook.literals(["10.0.0.2", "fe80::1%eth0", "10.0.0.1", "10.0.0.2"]), [
      "10.0.0.1",
      "10.0.0.2"
    ])
  })
})
