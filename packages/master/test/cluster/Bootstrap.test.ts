import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { Passwords } from "@nxmesh/master/auth/Passwords"
import { SigningKeys } from "@nxmesh/master/auth/SigningKeys"
import { Cluster } from "@nxmesh/master/cluster/Cluster"
import { Reads } from "@nxmesh/master/state/Reads"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { filesContaining } from "../../../../test/support/Plaintext.ts"
import { administrator, masterAt, temporaryDirectory } from "../auth/MasterState.ts"

const start = (directory: string, over: Parameters<typeof masterAt>[1] = {}) =>
  Effect.gen(function* () {
    return { ...(yield* Cluster), signingKeys: yield* (yield* SigningKeys).keys }
  }).pipe(Effect.provide(Layer.fresh(masterAt(directory, over))))

describe("Bootstrap", () => {
  it.effect("makes a cluster at the first start, and finds the same one at the second", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const first = yield* start(directory)
      const second = yield* start(directory)
      assert.strictEqual(second.clusterId, first.clusterId)
      assert.strictEqual(second.authorityFingerprint, first.authorityFingerprint)
      assert.deepStrictEqual(
        Redacted.value(second.authority.privateKeyPem),
        Redacted.value(first.authority.privateKeyPem)
      )
      assert.deepStrictEqual(
        second.signingKeys.map((key) => Redacted.value(key.privateJwk)),
        first.signingKeys.map((key) => Redacted.value(key.privateJwk))
      )
    })
  )

  it.effect("makes the administrator of the settings, who may do everything", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const verdict = yield* Effect.gen(function* () {
        const user = yield* (yield* Reads).userByEmail(administrator.email)
        assert.strictEqual(user?.role, "admin")
        return yield* (yield* Passwords).verify(administrator.password, user?.password_hash ?? "")
      }).pipe(Effect.provide(masterAt(directory)))
      assert.strictEqual(verdict, "Right")
    })
  )

  it.effect("makes a password up when none is set, in a file of the owner's, and keeps it", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* start(directory, { adminEmail: null, adminPassword: null })
      const file = join(directory, "first-login")
      const text = readFileSync(file, "utf8")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const [, email = "", password = ""] = /^email: (.+)\npassword: (.+)\n$/.exec(text) ?? []
      const verdict = yield* Effect.gen(function* () {
        const user = yield* (yield* Reads).userByEmail(email)
        return yield* (yield* Passwords).verify(Redacted.make(password), user?.password_hash ?? "")
      }).pipe(Effect.provide(Layer.fresh(masterAt(directory, { adminEmail: null, adminPassword: null }))))
      assert.strictEqual(verdict, "Right")
      assert.strictEqual(readFileSync(file, "utf8"), text)
      assert.deepStrictEqual(filesContaining(directory, password), [file])
    })
  )

  it.effect("refuses to start with another key file, and says what to do", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* start(directory)
      const keyFile = join(directory, "secrets.key")
      for (const replace of [() => writeFileSync(keyFile, randomBytes(32), { mode: 0o600 }), () => rmSync(keyFile)]) {
        replace()
        const error = yield* Effect.flip(start(directory))
        assert.strictEqual(error._tag, "WrongKeyFile")
        assert.include(error.message, keyFile)
        assert.include(error.message, "NXMESH_SECRETS_KEY_FILE")
      }
    })
  )

  it.effect("leaves no private key and no password in any file", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const cluster = yield* start(directory)
      const [key] = cluster.signingKeys
      const secrets = [
        Redacted.value(administrator.password),
        Redacted.value(cluster.authority.privateKeyPem).split("\n")[1] ?? "",
        String(Redacted.value(key.privateJwk).d),
        String(Redacted.value(key.privateJwk).p)
      ]
      for (const secret of secrets) assert.deepStrictEqual(filesContaining(directory, secret), [])
    })
  )
})
