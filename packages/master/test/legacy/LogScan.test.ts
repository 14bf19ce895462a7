import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { scanSegment } from "../../src/legacy/LogScan.ts"
import { encodeRecords, segmentHeader, segmentHeaderBytes } from "./WriteLog.ts"

/** A segment as the log writes it: each batch with one fsync. */
const segment = (batches: ReadonlyArray<ReadonlyArray<string>>, firstIndex = 1) => {
  let file = segmentHeader(firstIndex)
  let index = firstIndex
  const ends: Array<number> = []
  for (const batch of batches) {
    file = Buffer.concat([
      file,
      encodeRecords(
        batch.map((text) => Buffer.from(text)),
        index,
        file.length
      )
    ])
    index += batch.length
    ends.push(file.length)
  }
  return { file, ends }
}
const texts = (scan: ReturnType<typeof scanSegment>) =>
  scan.records.map(({ payload }) => Buffer.from(payload).toString())

describe("LogScan", () => {
  it.prop(
    "reads back every record that was written",
    [Schema.Array(Schema.Array(Schema.String)), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))],
    ([batches, firstIndex]) => {
      const { file } = segment(batches, firstIndex)
      const scan = scanSegment(file, firstIndex, true)
      const utf8 = batches.flat().map((text) => Buffer.from(text).toString())
      assert.deepStrictEqual(texts(scan), utf8)
      assert.deepStrictEqual(
        scan.records.map(({ index }) => index),
        utf8.map((_, position) => firstIndex + position)
      )
      assert.strictEqual(scan.rest, "none")
    }
  )

  it("cut short at any byte, keeps whole records and calls the rest torn", () => {
    const { file } = segment([["one", "two"], ["three"], ["four", "five"]])
    for (let length = segmentHeaderBytes; length < file.length; length++) {
      const scan = scanSegment(file.subarray(0, length), 1, true)
      assert.strictEqual(scan.rest, scan.end === length ? "none" : "torn", `cut at ${length}`)
      assert.deepStrictEqual(texts(scan), ["one", "two", "three", "four", "five"].slice(0, scan.records.length))
    }
  })

  it("a flipped bit that a later fsync had covered is damage, with its offset", () => {
    const { ends, file } = segment([["one", "two"], ["three"], ["four", "five"]])
    for (let at = segmentHeaderBytes; at < (ends[1] ?? 0); at++) {
      const damaged = Buffer.from(file)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      const scan = scanSegment(damaged, 1, true)
      assert.strictEqual(scan.rest, "damaged", `flip at ${at}`)
      assert.isAtMost(scan.end, at)
    }
  })

  it("a fault inside the last write is torn, even when a later record of that write is whole", () => {
    const { ends, file } = segment([["one"], ["two", "three"]])
    const damaged = Buffer.from(file)
    const at = ends[0] ?? 0
    damaged[at + 30] = (damaged[at + 30] ?? 0) ^ 0xff
    const scan = scanSegment(damaged, 1, true)
    assert.deepStrictEqual([scan.rest, scan.end], ["torn", at])
  })

  it("a closed segment has no torn tail: whatever is wrong there is damage", () => {
    const { file } = segment([["one"], ["two"]])
    assert.strictEqual(scanSegment(file.subarray(0, file.length - 1), 1, false).rest, "damaged")
    assert.strictEqual(scanSegment(Buffer.alloc(0), 1, false).rest, "damaged")
    assert.strictEqual(scanSegment(Buffer.alloc(0), 1, true).rest, "torn")
  })

  it("a record that holds another log's bytes is one record", () => {
    const inner = segment([["inner"], ["more"]]).file.toString("latin1")
    const file = Buffer.concat([segmentHeader(1), encodeRecords([Buffer.from(inner, "latin1")], 1, segmentHeaderBytes)])
    assert.strictEqual(scanSegment(file, 1, true).records.length, 1)
  })
})
