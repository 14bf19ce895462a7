import { argon2Sync } from "node:crypto"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { currentParameters, formatPasswordHash, isOutdated, parsePasswordHash } from "@nxmesh/master/auth/PasswordHash"
import { Passwords } from "@nxmesh/master/auth/Passwords"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"

const password = Redacted.make("correct horse battery staple")
const live = Passwords.layer.pipe(Layer.provide(Identifiers.layer))

/** What an older release would have stored. */
const weaker = (text: string) => {
  const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
  const salt = new Uint8Array(16).fill(3)
  const hash = argon2Sync("argon2id", { message: Buffer.from(text), nonce: salt, tagLength: 32, ...parameters })
  return formatPasswordHash({ parameters, salt, hash })
}

layer(live, { excludeTestServices: true })("Passwords", (it) => {
  it.effect("knows a password again by its hash, and no other", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const stored = yield* passwords.hash(password)
      assert.strictEqual(yield* passwords.verify(password, stored), "Right")
      assert.strictEqual(yield* passwords.verify(Redacted.make("correct horse battery stapl"), stored), "Wrong")
      assert.strictEqual(yield* passwords.verifyNobody(password), "Wrong")
    })
  )

  it.effect("stores argon2id with at least what OWASP asks, and a salt of its own", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const [one, two] = [yield* passwords.hash(password), yield* passwords.hash(password)]
      assert.match(one, /^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/)
      assert.notStrictEqual(one, two)
      assert.isAtLeast(currentParameters.memory, 19_456)
      assert.isAtLeast(currentParameters.passes, 2)
    })
  )

  it.effect("says when a right password is stored with weaker parameters", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      assert.strictEqual(yield* passwords.verify(password, weaker(Redacted.value(password))), "Outdated")
      assert.strictEqual(yield* passwords.verify(password, weaker("another")), "Wrong")
    })
  )

  it.effect("takes a composed and a decomposed character for the same", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const stored = yield* passwords.hash(Redacted.make("caf\u00e9 caf\u00e9 caf\u00e9"))
      assert.strictEqual(yield* passwords.verify(Redacted.make("cafe\u0301 cafe\u0301 cafe\u0301"), stored), "Right")
    })
  )

  it.effect("refuses every password for a stored text that is no hash", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      assert.strictEqual(yield* passwords.verify(password, Redacted.value(password)), "Wrong")
      assert.strictEqual(yield* passwords.verify(password, ""), "Wrong")
    })
  )
})

describe("PasswordHash", () => {
  it("reads what it writes", () => {
    const hash = { parameters: currentParameters, salt: Buffer.alloc(16, 1), hash: Buffer.alloc(32, 2) }
    assert.deepStrictEqual(parsePasswordHash(formatPasswordHash(hash)), hash)
    assert.isFalse(isOutdated(hash))
  })

  it.each([
    "$argon2i$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=16$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=9999999,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=65536,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$argon2id$v=19$m=65536,t=3,p=1$$",
    "$2b$12$abcdefghijklmnopqrstuv"
  ])("does not take %j for a hash it may compute", (text) => {
    assert.isUndefined(parsePasswordHash(text))
  })
})
