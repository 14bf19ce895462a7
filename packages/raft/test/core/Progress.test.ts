/** What a leader knows of a follower, one change at a time; whole transfers are in Replication.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import {
  acknowledged,
  isCommitNews,
  isWindowFull,
  newProgress,
  rejected,
  sent,
  toProbe
} from "../../src/core/Progress.ts"
import type { Progress } from "../../src/core/Progress.ts"

const replicating: Progress = { ...newProgress(9, true), mode: "Replicate", match: 5 }

describe("a refused append", () => {
  it("probes from where the logs may agree, never from what is known to agree", () => {
    const probing: Progress = { ...newProgress(9, true), match: 5 }
    assert.strictEqual(rejected(probing, 8, 6)?.next, 7)
    assert.strictEqual(rejected(probing, 8, 20)?.next, 8)
    assert.strictEqual(rejected(probing, 8, 2)?.next, 6)
  })

  it("of another probe, or of a transfer that a snapshot has replaced, does not matter", () => {
    const probing: Progress = { ...newProgress(9, true), match: 5 }
    assert.strictEqual(rejected(probing, 7, 6), null)
    assert.strictEqual(rejected({ ...probing, mode: "Snapshot" }, 8, 6), null)
  })

  it("ends the pipeline, unless what it follows is known to be there", () => {
    assert.deepInclude(rejected({ ...replicating, next: 9 }, 6, 0), { mode: "Probe", next: 6 })
    assert.strictEqual(rejected(replicating, 5, 0), null)
  })
})

describe("a probe", () => {
  it("forgets what was told of commits beyond what the follower has", () => {
    assert.strictEqual(toProbe({ ...replicating, commitSent: 8 }, 6).commitSent, 5)
    assert.strictEqual(toProbe({ ...replicating, commitSent: 3 }, 6).commitSent, 3)
  })
})

describe("the window", () => {
  it("is full with so many messages, or so many bytes", () => {
    const one = sent(replicating, 10, 100)
    const two = sent(one, 12, 50)
    assert.deepStrictEqual(
      [isWindowFull(one, 2, 1_000), isWindowFull(two, 2, 1_000), isWindowFull(two, 9, 150), isWindowFull(two, 9, 151)],
      [false, true, true, false]
    )
  })

  it("opens up to what is acknowledged, in whatever order that comes", () => {
    const three = sent(sent(sent(replicating, 9, 1), 10, 10), 11, 100)
    const later = acknowledged(three, 10)
    assert.deepInclude(later, { match: 10, next: 12, inflightBytes: 100 })
    assert.deepStrictEqual(later.inflights, [{ last: 11, bytes: 100 }])
    assert.deepInclude(acknowledged(later, 9), { match: 10, next: 12, inflightBytes: 100 })
    assert.deepInclude(acknowledged(replicating, 20), { match: 20, next: 21 })
  })
})

describe("a new commit index", () => {
  it("is news to a follower that has entries it does not know to be committed", () => {
    const table: ReadonlyArray<[changes: Partial<Progress>, commit: number, expected: boolean]> = [
      [{ commitSent: 5 }, 6, true],
      [{ commitSent: 6 }, 6, false],
      [{ commitSent: 8 }, 9, false],
      [{ commitSent: 5, noticedAt: 5 }, 6, true],
      [{ commitSent: 5, noticedAt: 6 }, 6, false],
      [{ commitSent: 5, mode: "Probe" }, 6, false],
      [{ commitSent: 5, mode: "Snapshot" }, 6, false]
    ]
    for (const [changes, commit, expected] of table) {
      assert.strictEqual(isCommitNews({ ...replicating, ...changes }, commit), expected)
    }
  })
})
