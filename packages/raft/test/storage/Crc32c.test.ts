import { assert, describe, it } from "@effect/vitest"
import { crc32c } from "@nxmesh/raft/storage/Crc32c"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"

const bytesOf = (length: number, byte: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => byte(i))

describe("crc32c", () => {
  it("gives the values of RFC 3720, appendix B.4", () => {
    assert.strictEqual(crc32c(bytesOf(32, () => 0)), 0x8a9136aa)
    assert.strictEqual(crc32c(bytesOf(32, () => 0xff)), 0x62a8ab43)
    assert.strictEqual(crc32c(bytesOf(32, (i) => i)), 0x46dd794e)
    assert.strictEqual(crc32c(bytesOf(32, (i) => 31 - i)), 0x113fdb5c)
    assert.strictEqual(crc32c(new TextEncoder().encode("123456789")), 0xe3069283)
    assert.strictEqual(crc32c(new Uint8Array(0)), 0)
  })

  it("continues from what came before, wherever it is cut", () => {
    const random = new SeededRandom(1)
    const bytes = bytesOf(100, () => random.between(0, 255))
    for (let cut = 0; cut <= bytes.length; cut++) {
      assert.strictEqual(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut)), crc32c(bytes))
    }
  })
})
