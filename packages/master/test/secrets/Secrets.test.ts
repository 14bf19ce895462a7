import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sealedPlaces, Secrets } from "@nxmesh/master/secrets/Secrets"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nxmesh-secrets-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
const place = sealedPlaces.certificate("1")

describe("Secrets", () => {
  it.effect("opens after a restart what it sealed before, at its place alone", () =>
    Effect.gen(function* () {
      const secrets = Secrets.layerAt({ keyFile: join(yield* directory, "not/yet/made", "secrets.key"), create: true })
      const plain = Redacted.make("-----BEGIN PRIVATE KEY----- é")
      const sealed = yield* Secrets.use((service) => service.seal(plain, place)).pipe(Effect.provide(secrets))
      const opened = yield* Secrets.use((service) => service.open(sealed, place)).pipe(Effect.provide(secrets))
      assert.strictEqual(Redacted.value(opened), Redacted.value(plain))
      const elsewhere = Secrets.use((service) => service.open(sealed, sealedPlaces.certificate("2")))
      assert.strictEqual((yield* Effect.flip(elsewhere.pipe(Effect.provide(secrets))))._tag, "SealError")
    })
  )

  it.effect("seals and opens bytes", () =>
    Effect.gen(function* () {
      const keyFile = join(yield* directory, "secrets.key")
      const bytes = new Uint8Array([0, 255, 128])
      const opened = yield* Secrets.use((secrets) =>
        Effect.flatMap(secrets.seal(Redacted.make(bytes), place), (sealed) => secrets.openBytes(sealed, place))
      ).pipe(Effect.provide(Secrets.layerAt({ keyFile, create: true })))
      assert.deepStrictEqual(Redacted.value(opened), bytes)
    })
  )

  it.effect("does not start without the key file that the operator named, and makes none there", () =>
    Effect.gen(function* () {
      const keyFile = join(yield* directory, "absent.key")
      const error = yield* Effect.flip(
        Secrets.use(Effect.succeed).pipe(Effect.provide(Secrets.layerAt({ keyFile, create: false })))
      )
      assert.strictEqual(error._tag === "PrivateFileError" && error.reason, "NotFound")
      assert.isFalse(existsSync(keyFile))
    })
  )

  it.effect("does not start with a key file that others can read", () =>
    Effect.gen(function* () {
      const keyFile = join(yield* directory, "secrets.key")
      yield* Secrets.use(Effect.succeed).pipe(Effect.provide(Secrets.layerAt({ keyFile, create: true })))
      chmodSync(keyFile, 0o644)
      const start = Secrets.use(Effect.succeed).pipe(Effect.provide(Secrets.layerAt({ keyFile, create: true })))
      assert.include((yield* Effect.flip(start)).message, "chmod 600")
    })
  )
})
