import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { directoryName, highestSequence, sequenceOf, superfluous } from "../../src/deploy/DirectoryName.ts"

const at = DateTime.makeUnsafe("2026-03-02T14:30:00.123Z")

describe("names of generation directories", () => {
  it("carry the time in UTC and a sequence number, so that two in one second differ", () => {
    assert.strictEqual(directoryName(at, 7), "20260302143000-000007")
    assert.strictEqual(directoryName(at, 8), "20260302143000-000008")
    assert.strictEqual(sequenceOf(directoryName(at, 12_345_678)), 12_345_678)
  })

  it("are told from what is not ours", () => {
    for (const name of ["current", "default.conf", "20260302143000", "20260302143000-7", "x20260302143000-000007"]) {
      assert.isNull(sequenceOf(name))
    }
    assert.strictEqual(highestSequence(["current", "20260302143000-000007", "20250302143000-000009"]), 9)
    assert.strictEqual(highestSequence([]), 0)
  })

  it("go when more than those kept are newer, unless they are protected", () => {
    const name = (sequence: number) => directoryName(at, sequence)
    const names = [1, 2, 3, 4, 5, 6, 7].map(name)
    assert.deepStrictEqual(superfluous([...names, "current", "mine"], 5, new Set()), [name(2), name(1)])
    assert.deepStrictEqual(superfluous(names, 5, new Set([name(1)])), [name(2)])
    assert.deepStrictEqual(superfluous(names.slice(0, 5), 5, new Set()), [])
  })
})
