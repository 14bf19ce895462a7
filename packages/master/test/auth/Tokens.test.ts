import { Tokens } from "@nxmesh/master/auth/Tokens"
import { makeSigningKey, SigningKeys } from "@nxmesh/master/auth/SigningKeys"
import { SessionId, UserId } from "@nxmesh/protocol/Ids"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from "jose"

const issuer = "urn:nxmesh:cluster:test"
const claims = {
  userId: UserId.make("0197c0de-0000-7000-8000-000000000002"),
  sessionId: SessionId.make("0197c0de-0000-7000-8000-000000000003"),
  role: "operator"
} as const

const freshKeys = () =>
  Layer.effect(
    SigningKeys,
    Effect.map(makeSigningKey, (key) =>
      SigningKeys.of({ issuer, keys: Effect.succeed([key]), signer: Effect.succeed(key) })
    )
  )
const live = Tokens.layer.pipe(Layer.provideMerge(freshKeys()))

const reasonOf = (token: string) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip((yield* Tokens).verify(Redacted.make(token)))
    return error.reason
  })

/** A token with the cluster's own key and something changed. */
const forged = (change: (token: SignJWT) => SignJWT, typ = "at+jwt") =>
  Effect.gen(function* () {
    const [key] = yield* (yield* SigningKeys).keys
    const signingKey = yield* Effect.promise(() => importJWK(Redacted.value(key.privateJwk), "RS256"))
    const token = new SignJWT({ sid: claims.sessionId, role: "admin" })
      .setProtectedHeader({ alg: "RS256", typ, kid: key.keyId })
      .setIssuer(issuer)
      .setAudience("nxmesh-api")
      .setSubject(claims.userId)
      .setIssuedAt(0)
      .setExpirationTime(900)
    return yield* Effect.promise(() => change(token).sign(signingKey))
  })

layer(live)("Tokens", (it) => {
  it.effect("verifies what it issued, and says how long it lasts", () =>
    Effect.gen(function* () {
      const tokens = yield* Tokens
      const { accessToken, expiresInSeconds } = yield* tokens.issue(claims)
      assert.deepStrictEqual(yield* tokens.verify(accessToken), claims)
      assert.strictEqual(expiresInSeconds, 900)
      assert.strictEqual(String(accessToken), "<redacted>")
    })
  )

  it.effect("for reading alone says so, and lasts minutes", () =>
    Effect.gen(function* () {
      const tokens = yield* Tokens
      const { accessToken, expiresInSeconds } = yield* tokens.issue({ ...claims, readOnly: true })
      assert.deepStrictEqual(yield* tokens.verify(accessToken), { ...claims, readOnly: true })
      assert.strictEqual(expiresInSeconds, 300)
    })
  )

  it.effect("is RS256 with the key's id, and holds no more than names, role and times", () =>
    Effect.gen(function* () {
      const { accessToken } = yield* (yield* Tokens).issue(claims)
      const [key] = yield* (yield* SigningKeys).keys
      const text = Redacted.value(accessToken)
      assert.deepStrictEqual(decodeProtectedHeader(text), { alg: "RS256", typ: "at+jwt", kid: key.keyId })
      assert.sameMembers(Object.keys(decodeJwt(text)), ["sid", "role", "iss", "aud", "sub", "iat", "exp"])
    })
  )

  it.effect("publishes public keys alone", () =>
    Effect.gen(function* () {
      const keySet = yield* (yield* Tokens).keySet
      for (const key of keySet.keys) assert.sameMembers(Object.keys(key), ["kty", "n", "e", "kid", "alg", "use"])
    })
  )

  it.effect("ends after fifteen minutes and the skew between two clocks", () =>
    Effect.gen(function* () {
      const tokens = yield* Tokens
      const { accessToken } = yield* tokens.issue(claims)
      yield* TestClock.adjust("15 minutes")
      assert.deepStrictEqual(yield* tokens.verify(accessToken), claims)
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(yield* reasonOf(Redacted.value(accessToken)), "Expired")
    })
  )

  it.effect("refuses texts that are no tokens, and a token with one character changed", () =>
    Effect.gen(function* () {
      const { accessToken } = yield* (yield* Tokens).issue(claims)
      const [header, payload, signature = ""] = Redacted.value(accessToken).split(".")
      const other = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
      for (const text of ["", "a.b.c", `${header}.${payload}.${other}`, `${header}.${payload}.`]) {
        assert.strictEqual(yield* reasonOf(text), "Invalid")
      }
    })
  )

  it.effect("refuses the algorithm none, and HMAC with the public key", () =>
    Effect.gen(function* () {
      const keySet = yield* (yield* Tokens).keySet
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const payload = { sub: claims.userId, sid: claims.sessionId, role: "admin", exp: 2_000_000_000, iat: 0 }
      assert.strictEqual(yield* reasonOf(`${encode({ alg: "none", typ: "at+jwt" })}.${encode(payload)}.`), "Invalid")
      const hmac = new SignJWT(payload).setProtectedHeader({ alg: "HS256", typ: "at+jwt" })
      const signed = yield* Effect.promise(() => hmac.sign(Buffer.from(JSON.stringify(keySet.keys[0]))))
      assert.strictEqual(yield* reasonOf(signed), "Invalid")
    })
  )

  it.effect("accepts the forger's unchanged form, and refuses another issuer, audience or type", () =>
    Effect.gen(function* () {
      const tokens = yield* Tokens
      yield* TestClock.setTime(0)
      const unchanged = yield* forged((token) => token)
      assert.strictEqual((yield* tokens.verify(Redacted.make(unchanged))).role, "admin")
      assert.strictEqual(yield* reasonOf(yield* forged((token) => token.setIssuer("urn:other"))), "Invalid")
      assert.strictEqual(yield* reasonOf(yield* forged((token) => token.setAudience("other"))), "Invalid")
      assert.strictEqual(yield* reasonOf(yield* forged((token) => token.setSubject("not-an-id"))), "Invalid")
      assert.strictEqual(yield* reasonOf(yield* forged((token) => token, "JWT")), "Invalid")
    })
  )

  it.effect("refuses a token of another cluster's key", () =>
    Effect.gen(function* () {
      const other = yield* Tokens.pipe(
        Effect.flatMap((tokens) => tokens.issue(claims)),
        Effect.provide(Layer.fresh(Tokens.layer).pipe(Layer.provide(freshKeys())))
      )
      assert.strictEqual(yield* reasonOf(Redacted.value(other.accessToken)), "Invalid")
    })
  )
})
