import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { loadKeyFile, loadOrCreateKeyFile } from "@nxmesh/core/crypto/KeyFile"
import { createPrivateFile, readPrivateFile } from "@nxmesh/core/crypto/PrivateFile"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nxmesh-key-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("KeyFile", () => {
  it.effect("makes a key of 32 bytes that only its owner can read, and finds it again", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "secrets.key")
      const made = yield* loadOrCreateKeyFile(path)
      assert.strictEqual(Redacted.value(made.key).length, 32)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.deepStrictEqual((yield* loadOrCreateKeyFile(path)).keyId, made.keyId)
      assert.match(made.keyId, /^[0-9a-f]{16}$/)
    }).pipe(Effect.provide(Identifiers.layer))
  )

  it.effect("gives two that start together the same key", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "secrets.key")
      const keys = yield* Effect.all(
        Array.from({ length: 8 }, () => loadOrCreateKeyFile(path)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(keys.map((key) => key.keyId)).size, 1)
    }).pipe(Effect.provide(Identifiers.layer))
  )

  it.effect.each([0o640, 0o604, 0o666])("refuses a key that others can use (mode %o) and says how to mend it", (mode) =>
    Effect.gen(function* () {
      const path = join(yield* directory, "secrets.key")
      writeFileSync(path, new Uint8Array(32))
      chmodSync(path, mode)
      const error = yield* Effect.flip(loadOrCreateKeyFile(path))
      assert.strictEqual(error.reason, "Permissions")
      assert.include(error.message, `chmod 600 ${path}`)
    }).pipe(Effect.provide(Identifiers.layer))
  )

  it.effect("refuses a file of another size, and leaves it alone", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "secrets.key")
      writeFileSync(path, new Uint8Array(31), { mode: 0o600 })
      const error = yield* Effect.flip(loadOrCreateKeyFile(path))
      assert.strictEqual(error.reason, "Content")
      assert.include(error.message, "31 bytes")
      assert.strictEqual(statSync(path).size, 31)
    }).pipe(Effect.provide(Identifiers.layer))
  )

  it.effect("does not make a key where one was asked for by name", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "absent.key")
      assert.strictEqual((yield* Effect.flip(loadKeyFile(path))).reason, "NotFound")
      assert.isFalse(existsSync(path))
    })
  )

  it.effect("prints nothing of the key", () =>
    Effect.gen(function* () {
      const key = yield* loadOrCreateKeyFile(join(yield* directory, "secrets.key"))
      assert.strictEqual(String(key.key), "<redacted>")
      assert.include(JSON.stringify(key), "<redacted>")
    }).pipe(Effect.provide(Identifiers.layer))
  )
})

describe("PrivateFile", () => {
  it.effect("makes a file once and leaves nothing else behind", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const path = join(folder, "identity")
      yield* createPrivateFile(path, "one")
      assert.strictEqual((yield* Effect.flip(createPrivateFile(path, "two"))).reason, "Exists")
      assert.strictEqual(Buffer.from(yield* readPrivateFile(path)).toString(), "one")
      assert.deepStrictEqual(readdirSync(folder), ["identity"])
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    })
  )
})
