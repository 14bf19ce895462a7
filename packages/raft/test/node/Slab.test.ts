import { assert, describe, it } from "@effect/vitest"
import { Slab } from "../../src/node/Slab.ts"

describe("pieces of a slab", () => {
  it("share buffers, and never the same bytes", () => {
    const slab = new Slab(100)
    const pieces = Array.from({ length: 50 }, (_, i) => slab.take(1 + (i % 30)).fill(i))
    for (const [i, piece] of pieces.entries()) {
      assert.lengthOf(piece, 1 + (i % 30))
      assert.isTrue(piece.every((byte) => byte === i))
    }
    assert.isBelow(new Set(pieces.map(({ buffer }) => buffer)).size, 12)
  })

  it("have a buffer of their own when they are large", () => {
    const slab = new Slab(100)
    slab.take(1)
    assert.strictEqual(slab.take(51).buffer.byteLength, 51)
    assert.strictEqual(slab.take(101).buffer.byteLength, 101)
    assert.strictEqual(slab.take(50).buffer.byteLength, 100)
  })
})
