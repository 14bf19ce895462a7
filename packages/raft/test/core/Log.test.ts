import { assert, describe, it } from "@effect/vitest"
import {
  append,
  bytesBetween,
  compact,
  emptyLog,
  entryAt,
  entryBytes,
  isUpToDate,
  lastIndex,
  lastNotAfterTerm,
  lastTerm,
  slice,
  termAt,
  truncate
} from "../../src/core/Log.ts"
import type { Log } from "../../src/core/Log.ts"
import { nextRandom } from "../../src/core/Random.ts"
import type { Entry } from "../../src/core/Types.ts"
import { bytes } from "./Network.ts"

const entry = (index: number, term: number, data = "x"): Entry => ({ kind: "Command", index, term, data: bytes(data) })
const logOf = (...terms: ReadonlyArray<number>): Log =>
  append(
    emptyLog(0, 0),
    terms.map((term, position) => entry(position + 1, term))
  )
const all = (log: Log): ReadonlyArray<number> =>
  slice(log, log.baseIndex + 1, lastIndex(log), Number.POSITIVE_INFINITY).map(({ term }) => term)

describe("the log", () => {
  it("leaves older views as they were when it is extended, truncated and compacted", () => {
    const first = logOf(1, 1)
    const longer = append(first, [entry(3, 2)])
    const fork = append(truncate(longer, 2), [entry(2, 3), entry(3, 3)])
    const sibling = append(first, [entry(3, 4)])
    const compacted = append(compact(longer, 2), [entry(4, 5)])
    assert.deepStrictEqual(all(first), [1, 1])
    assert.deepStrictEqual(all(longer), [1, 1, 2])
    assert.deepStrictEqual(all(fork), [1, 3, 3])
    assert.deepStrictEqual(all(sibling), [1, 1, 4])
    assert.deepStrictEqual(all(compacted), [2, 5])
  })

  it("equals an array that is copied at every change", () => {
    let seed = 7
    const draw = (below: number): number => {
      const [value, next] = nextRandom(seed, below)
      seed = next
      return value
    }
    const versions: Array<{ readonly log: Log; readonly model: ReadonlyArray<Entry> }> = [{ log: logOf(), model: [] }]
    for (let i = 0; i < 2_000; i++) {
      const { log, model } = versions[draw(versions.length)] ?? { log: logOf(), model: [] }
      const action = draw(10)
      const cut = log.baseIndex + draw(log.length + 1)
      const added = Array.from({ length: draw(4) }, (_, n) => entry(lastIndex(log) + 1 + n, i, "y".repeat(draw(50))))
      if (action < 6) versions.push({ log: append(log, added), model: [...model, ...added] })
      else if (action < 8)
        versions.push({ log: truncate(log, cut + 1), model: model.filter(({ index }) => index <= cut) })
      else versions.push({ log: compact(log, cut), model: model.filter(({ index }) => index > cut) })
    }
    for (const { log, model } of versions) {
      assert.deepStrictEqual(slice(log, log.baseIndex + 1, lastIndex(log), Number.POSITIVE_INFINITY), model)
      const size = model.reduce((sum, each) => sum + entryBytes(each), 0)
      assert.strictEqual(bytesBetween(log, log.baseIndex, lastIndex(log)), size)
    }
  })

  it("stays the same when what is compacted is compacted again", () => {
    const log = compact(logOf(1, 2, 3), 2)
    for (const index of [0, 1, 2, 9]) assert.strictEqual(compact(log, index), log)
  })

  it("refuses a gap", () =>
    assert.throws(() => append(logOf(1), [entry(3, 1)]), /entry 3 was appended where 2 belongs/))

  it("knows the term at its base and none before or after", () => {
    const log = compact(logOf(1, 2, 3), 2)
    assert.strictEqual(termAt(log, 1), null)
    assert.strictEqual(termAt(log, 2), 2)
    assert.strictEqual(termAt(log, 3), 3)
    assert.strictEqual(termAt(log, 4), null)
    assert.strictEqual(entryAt(log, 2), null)
    assert.strictEqual(lastTerm(compact(logOf(1, 2), 2)), 2)
  })

  it("cuts slices by bytes, gap-free, with at least one entry (scenario 19)", () => {
    const log = logOf(...Array.from({ length: 100 }, () => 1))
    for (const limit of [0, 1, 33, 66, 500, 10_000]) {
      const indexes: Array<number> = []
      while (indexes.length < 100) {
        const part = slice(log, indexes.length + 1, 100, limit)
        assert.isAtLeast(part.length, 1)
        assert.strictEqual(part.length, Math.min(101 - (part[0]?.index ?? 0), Math.max(1, Math.floor(limit / 33))))
        indexes.push(...part.map(({ index }) => index))
      }
      assert.deepStrictEqual(
        indexes,
        Array.from({ length: 100 }, (_, i) => i + 1)
      )
    }
  })

  it("compares ends by term, then by length (scenario 3)", () => {
    const log = logOf(1, 2, 2)
    const table: ReadonlyArray<[index: number, term: number, expected: boolean]> = [
      [3, 2, true],
      [2, 2, false],
      [4, 2, true],
      [1, 3, true],
      [9, 1, false]
    ]
    for (const [index, term, expected] of table) assert.strictEqual(isUpToDate(log, index, term), expected)
  })

  it("skips whole terms that are too new", () => {
    const log = logOf(1, 1, 3, 3, 5)
    assert.deepStrictEqual(lastNotAfterTerm(log, 5, 4), [4, 3])
    assert.deepStrictEqual(lastNotAfterTerm(log, 5, 2), [2, 1])
    assert.deepStrictEqual(lastNotAfterTerm(log, 9, 5), [5, 5])
    assert.deepStrictEqual(lastNotAfterTerm(log, 4, 0), [0, 0])
  })
})
