import { assert, describe, it } from "@effect/vitest"
import * as Counts from "../../src/outbox/Counts.ts"
import { decodeSegment, encodeLine, type OutboxLine } from "../../src/outbox/OutboxLine.ts"
import { newState, nextSequence } from "../../src/outbox/OutboxState.ts"
import * as Segments from "../../src/outbox/Segments.ts"

const line = (sequence: number, atMillis = 0): OutboxLine => ({
  sequence,
  kind: "health",
  atMillis,
  report: `{"text":"${sequence} ß\\n"}`
})
const segment = (first: number, last: number, bytes: number, newestAtMillis = 0): Segments.Segment => ({
  ...Segments.emptySegment(Segments.fileOf(first)),
  first,
  last,
  bytes,
  newestAtMillis
})

describe("A segment of the outbox", () => {
  it("is read as it was written, in whatever place it was torn", () => {
    const lines = [line(7, 1_700_000_000_000), { ...line(8), kind: "logs" as const }, line(1_000_009)]
    const written = Buffer.from(lines.map(encodeLine).join(""))
    const lastAt = Buffer.byteLength(lines.slice(0, 2).map(encodeLine).join(""))
    assert.deepStrictEqual(decodeSegment(written), { lines, damaged: 0 })
    for (let length = lastAt; length < written.length; length++) {
      assert.deepStrictEqual(decodeSegment(written.subarray(0, length)), { lines: lines.slice(0, 2), damaged: 0 })
    }
  })

  it("loses a damaged line and no other", () => {
    const written = Buffer.from([line(1), line(2), line(3)].map(encodeLine).join(""))
    const at = Buffer.byteLength(encodeLine(line(1))) + 12
    written[at] = (written[at] ?? 0) ^ 1
    assert.deepStrictEqual(decodeSegment(written), { lines: [line(1), line(3)], damaged: 1 })
  })

  it("takes no line that an outbox did not write", () => {
    const foreign = [{ ...line(1), kind: "secrets" } as never, line(5), line(5), line(4), line(6)]
    const { damaged, lines } = decodeSegment(Buffer.from(foreign.map(encodeLine).join("")))
    assert.deepStrictEqual(lines, [line(5), line(6)])
    assert.strictEqual(damaged, 3)
  })

  it("counts what it holds", () => {
    const held = [line(3, 10), { ...line(4, 20), kind: "logs" as const }].reduce(
      (before, one) => Segments.withLine(before, one, 100),
      Segments.emptySegment("a")
    )
    assert.deepStrictEqual(held, {
      file: "a",
      first: 3,
      last: 4,
      bytes: 200,
      oldestAtMillis: 10,
      newestAtMillis: 20,
      reports: { ...Counts.none, health: 1, logs: 1 }
    })
  })
})

describe("The bounds of the outbox", () => {
  const bounds = { bytesMax: 100, ageMaxMillis: 1_000 }
  it("drop the oldest segments until the next report fits", () => {
    const held = [segment(1, 1, 40), segment(2, 2, 40), segment(3, 3, 20)]
    const drops = [0, 1, 40, 41, 80, 100].map((more) => Segments.surplus(held, more, 0, bounds))
    assert.deepStrictEqual(drops, [0, 1, 1, 2, 2, 3])
  })

  it("drop segments that hold nothing recent, and keep one that does", () => {
    const held = [segment(1, 1, 10, 0), segment(2, 2, 10, 500), segment(3, 3, 10, 1_500)]
    assert.strictEqual(Segments.surplus(held, 0, 1_000, bounds), 0)
    assert.strictEqual(Segments.surplus(held, 0, 1_001, bounds), 1)
    assert.strictEqual(Segments.surplus(held, 0, 1_501, bounds), 2)
  })

  it("finish a segment when all of it was acknowledged", () => {
    const held = [segment(1, 4, 1), segment(5, 9, 1)]
    assert.deepStrictEqual(
      [0, 3, 4, 8, 9, 99].map((through) => Segments.finished(held, through)),
      [0, 0, 1, 1, 2, 2]
    )
  })

  it("leave a sixteenth to a segment, and at most a mebibyte", () => {
    assert.strictEqual(Segments.segmentBytes(1_048_576), 65_536)
    assert.strictEqual(Segments.segmentBytes(1_073_741_824), 1_048_576)
  })
})

describe("The next sequence", () => {
  it("follows what is on the disk and what was acknowledged", () => {
    assert.strictEqual(nextSequence(newState("a"), 0, 1_000), 1)
    assert.strictEqual(nextSequence({ ...newState("a"), acknowledged: 7 }, 5, 1_000), 8)
    assert.strictEqual(nextSequence({ ...newState("a"), acknowledged: 5 }, 7, 1_000), 8)
  })

  it("leaps after a crash, over what masters may have seen and the disk may have lost", () => {
    assert.strictEqual(nextSequence({ ...newState("a"), closed: false }, 7, 1_000), 1_008)
  })
})
