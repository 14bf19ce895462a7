import { NonceCache } from "@nxmesh/core/crypto/NonceCache"
import { assert, describe, it } from "@effect/vitest"

describe("NonceCache", () => {
  it("knows a nonce for the whole window and forgets it after", () => {
    const cache = new NonceCache({ windowMillis: 1_000, countMax: 10 })
    assert.strictEqual(cache.admit("a", 0, 0), "Fresh")
    assert.strictEqual(cache.admit("a", 0, 1_000), "Replayed")
    cache.admit("b", 1_001, 1_001)
    assert.strictEqual(cache.size, 1)
  })

  it("holds no more than its count", () => {
    const cache = new NonceCache({ windowMillis: 1_000_000, countMax: 100 })
    for (let index = 0; index < 10_000; index++) cache.admit(`n${index}`, index, index)
    assert.strictEqual(cache.size, 100)
  })

  it("never admits a replay, even of what it had to forget", () => {
    const cache = new NonceCache({ windowMillis: 1_000_000, countMax: 3 })
    const calls = Array.from({ length: 10 }, (_, index) => [`n${index}`, index] as const)
    for (const [nonce, at] of calls) assert.strictEqual(cache.admit(nonce, at, at), "Fresh")
    for (const [nonce, at] of calls) assert.notStrictEqual(cache.admit(nonce, at, 10), "Fresh")
  })

  it("still admits newer calls that arrive out of order", () => {
    const cache = new NonceCache({ windowMillis: 1_000, countMax: 3 })
    for (const at of [5, 3, 4]) assert.strictEqual(cache.admit(`n${at}`, at, 5), "Fresh")
  })
})
