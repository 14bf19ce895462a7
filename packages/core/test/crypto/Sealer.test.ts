import { makeSealer } from "@nxmesh/core/crypto/Sealer"
import { sealingKey } from "@nxmesh/core/crypto/KeyFile"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"

const bytes = (text: string) => new TextEncoder().encode(text)
const sealer = makeSealer(sealingKey(new Uint8Array(32).fill(1)))
const secret = bytes("-----BEGIN PRIVATE KEY-----")

/** The same base64 with one bit of its bytes flipped. */
const flipped = (base64: string): string => {
  const raw = Buffer.from(base64, "base64")
  raw[raw.length - 1] = (raw[raw.length - 1] ?? 0) ^ 1
  return raw.toString("base64")
}
const failureOf = <A, E>(result: Result.Result<A, E>): E => {
  assert.isTrue(Result.isFailure(result))
  return Result.isFailure(result) ? result.failure : assert.fail()
}

describe("Sealer", () => {
  it("opens what it sealed", () => {
    const sealed = sealer.seal(secret, "certificate:1")
    assert.deepStrictEqual(sealer.open(sealed, "certificate:1"), Result.succeed(secret))
  })

  it("makes the stored format of the protocol, which shows nothing of the secret", () => {
    const sealed = Schema.decodeUnknownSync(SealedSecret)(sealer.seal(secret, "certificate:1"))
    assert.strictEqual(sealed.key_id, sealer.keyId)
    assert.notInclude(Buffer.from(sealed.ciphertext, "base64").toString("latin1"), "PRIVATE")
  })

  it("seals the same secret differently each time", () => {
    const [first, second] = [sealer.seal(secret, "a"), sealer.seal(secret, "a")]
    assert.notStrictEqual(first.ciphertext, second.ciphertext)
    assert.notStrictEqual(first.wrapped_key, second.wrapped_key)
    assert.notStrictEqual(first.nonce, second.nonce)
  })

  it("does not open a secret that was copied to another place", () => {
    const sealed = sealer.seal(secret, "certificate:1")
    assert.strictEqual(failureOf(sealer.open(sealed, "certificate:2")).reason, "Damaged")
  })

  it.each(["wrapped_key", "nonce", "ciphertext"] as const)("does not open when %s was changed", (field) => {
    const sealed = sealer.seal(secret, "certificate:1")
    const changed = { ...sealed, [field]: flipped(sealed[field]) }
    assert.strictEqual(failureOf(sealer.open(changed, "certificate:1")).reason, "Damaged")
  })

  it.each(["", "AAAA"])("refuses truncated parts (%j) instead of failing otherwise", (short) => {
    const sealed = sealer.seal(secret, "certificate:1")
    assert.strictEqual(failureOf(sealer.open({ ...sealed, ciphertext: short }, "certificate:1")).reason, "Damaged")
    assert.strictEqual(failureOf(sealer.open({ ...sealed, wrapped_key: short }, "certificate:1")).reason, "Damaged")
    assert.strictEqual(failureOf(sealer.open({ ...sealed, nonce: short }, "certificate:1")).reason, "Damaged")
  })

  it("names both keys when a secret was sealed under another one", () => {
    const other = makeSealer(sealingKey(new Uint8Array(32).fill(2)))
    const error = failureOf(other.open(sealer.seal(secret, "a"), "a"))
    assert.strictEqual(error.reason, "OtherKey")
    assert.include(error.message, sealer.keyId)
    assert.include(error.message, other.keyId)
  })

  it("seals nothing and much alike", () => {
    for (const size of [0, 1, 1_048_576]) {
      const plain = new Uint8Array(size).fill(7)
      assert.deepStrictEqual(sealer.open(sealer.seal(plain, "x"), "x"), Result.succeed(plain))
    }
  })
})
