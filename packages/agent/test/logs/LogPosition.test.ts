/** Goal: whatever was done to a log's files, each of its lines is read, and once. */
import { assert, describe, it } from "@effect/vitest"
import { changeOf, copyOf, type FileSeen, type LogPosition, resume } from "../../src/logs/LogPosition.ts"
import { cutLines } from "../../src/logs/Lines.ts"

const position = (inode: string, offset: number, begins = inode): LogPosition => ({
  inode,
  offset,
  head: { bytes: 10, sha256: begins }
})
const file = (path: string, inode: string, size: number, modifiedMillis = 0, begins = inode): FileSeen => ({
  path,
  inode,
  size,
  modifiedMillis,
  beginsAs: ({ bytes, sha256 }) => bytes === 0 || sha256 === begins
})
const places = (resumed: ReturnType<typeof resume>) => resumed.toRead.map(({ offset, path }) => `${path}@${offset}`)

describe("A start of the reading", () => {
  it("begins with all of an own log, and with what comes of another", () => {
    const live = file("log", "1", 50)
    assert.deepStrictEqual(places(resume([], live, [], "start")), ["log@0"])
    assert.deepStrictEqual(places(resume([], live, [], "end")), ["log@50"])
    assert.deepStrictEqual(resume([], null, [], "start"), { toRead: [], lost: 0 })
  })

  it("goes on where it was", () => {
    assert.deepStrictEqual(places(resume([position("1", 20)], file("log", "1", 50), [], "end")), ["log@20"])
  })

  it("reads the rest of the renamed file first, then those rotated in between, then the log", () => {
    const siblings = [file("log.1", "3", 70, 30), file("log.2", "1", 50, 20), file("log.9", "0", 50, 5)]
    const resumed = resume([position("1", 20)], file("log", "4", 10, 40), siblings, "end")
    assert.deepStrictEqual(places(resumed), ["log.2@20", "log.1@0", "log@0"])
    assert.strictEqual(resumed.lost, 0)
  })

  it("knows the copy of a truncated log by how it begins, and reads its rest before the log from its start", () => {
    const resumed = resume(
      [position("1", 20)],
      file("log", "1", 5, 40, "other"),
      [file("log.1", "2", 50, 30, "1")],
      "end"
    )
    assert.deepStrictEqual(
      resumed.toRead.map(({ offset, path, rest }) => [path, offset, rest]),
      [
        ["log.1", 20, true],
        ["log", 0, false]
      ]
    )
  })

  it("does not take a file for its own because it has the inode of one that was removed", () => {
    const resumed = resume([position("1", 20)], file("log", "1", 50, 1, "other"), [], "end")
    assert.deepStrictEqual(places(resumed), ["log@0"])
    assert.strictEqual(resumed.lost, 1)
  })

  it("follows several files of one log, the log last", () => {
    const positions = [position("2", 0), position("1", 20)]
    const resumed = resume(positions, file("log", "2", 9, 9), [file("log.1", "1", 50, 5)], "end")
    assert.deepStrictEqual(places(resumed), ["log.1@20", "log@0"])
  })

  it("waits for a log that is not there again", () => {
    assert.deepStrictEqual(places(resume([position("1", 20)], null, [file("log.1", "1", 50)], "end")), ["log.1@20"])
  })
})

describe("A file that is being read", () => {
  it("was truncated when it is shorter than what was read of it, or begins with something else", () => {
    assert.strictEqual(changeOf(position("1", 20), file("log", "1", 19)), "truncated")
    assert.strictEqual(changeOf(position("1", 20), file("log", "1", 90, 0, "other")), "truncated")
    assert.strictEqual(changeOf(position("1", 20), file("log", "1", 21)), "grown")
    assert.strictEqual(changeOf(position("1", 20), file("log", "1", 20)), "same")
  })

  it("has the newest of its copies for its copy, and none while nothing is known of its beginning", () => {
    const copies = [file("log.2", "3", 60, 1, "1"), file("log.1", "2", 60, 2, "1"), file("log.3", "4", 10, 9, "1")]
    assert.deepStrictEqual(copyOf(position("1", 20), copies), { path: "log.1", inode: "2", offset: 20, rest: true })
    assert.isNull(copyOf({ inode: "1", offset: 0, head: { bytes: 0, sha256: "" } }, copies))
  })
})

describe("Lines", () => {
  const pieces = (text: string | Buffer, max = 8, skipping = false) => cutLines(Buffer.from(text), max, skipping)

  it("leave the beginning of an unfinished line for the next piece", () => {
    assert.deepStrictEqual(pieces("a\nbc\nde"), { lines: ["a", "bc"], consumed: 5, skipping: false, tooLong: 0 })
    assert.deepStrictEqual(pieces(""), { lines: [], consumed: 0, skipping: false, tooLong: 0 })
  })

  it("are cut where they are too long, counted, and their rest is left out", () => {
    assert.deepStrictEqual(pieces("123456789\nb\n"), {
      ...{ lines: ["12345678", "b"], consumed: 12, skipping: false, tooLong: 1 }
    })
    const first = pieces("1234567890")
    assert.deepStrictEqual(first, { lines: ["12345678"], consumed: 10, skipping: true, tooLong: 1 })
    assert.deepStrictEqual(pieces("still the same", 8, true), {
      ...{ lines: [], consumed: 14, skipping: true, tooLong: 0 }
    })
    assert.deepStrictEqual(pieces("and its end\nnext\n", 8, true).lines, ["next"])
  })

  it("hold what is no UTF-8 as replacement characters", () => {
    assert.deepStrictEqual(pieces(Buffer.from([0x61, 0xff, 0x0a])).lines, ["a\ufffd"])
  })
})
