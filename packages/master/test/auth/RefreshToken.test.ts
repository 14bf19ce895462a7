import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { makeRefreshToken, parseRefreshToken } from "@nxmesh/master/auth/RefreshToken"
import { SessionId } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"

const sessionId = SessionId.make("0197c0de-0000-7000-8000-000000000003")

describe("RefreshToken", () => {
  it.effect("reads what it makes, and each is another", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* makeRefreshToken(sessionId), yield* makeRefreshToken(sessionId)]
      assert.deepStrictEqual(parseRefreshToken(one.text)?.hash, one.hash)
      assert.strictEqual(parseRefreshToken(one.text)?.sessionId, sessionId)
      assert.strictEqual(one.hash, sha256Hex(Redacted.value(one.text)))
      assert.notStrictEqual(one.hash, two.hash)
    }).pipe(Effect.provide(Identifiers.layer))
  )

  it.effect("holds 256 random bits", () =>
    Effect.gen(function* () {
      const { text } = yield* makeRefreshToken(sessionId)
      assert.strictEqual(Buffer.from(Redacted.value(text).split(".")[1] ?? "", "base64url").length, 32)
    }).pipe(Effect.provide(Identifiers.layer))
  )

  it.each(["", ".", "abc", sessionId, `${sessionId}.`, `x.${sessionId}`, `${sessionId}.a.b`, "not-an-id.secret"])(
    "does not read %j",
    (text) => {
      assert.isUndefined(parseRefreshToken(Redacted.make(text)))
    }
  )
})
