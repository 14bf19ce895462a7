/** A disk that has too little room refuses what adds, and takes what makes room (design-cluster.md 20). */
import { assert, describe, it } from "@effect/vitest"
import { Command } from "@nxmesh/protocol/Command"
import type { CommandTag } from "@nxmesh/protocol/Command"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { adds, bytesText, closure, gateOf, isShort } from "../../src/cluster/DiskAlarm.ts"
import { diskUse } from "../../src/cluster/DiskUse.ts"

const mebibyte = 1_048_576
const ids = (...names: ReadonlyArray<string>) => names.map((name) => name as MasterId)
const answering = (...names: ReadonlyArray<string>) =>
  new Map(ids(...names).map((id) => [id, { disk: { dataBytes: 1, freeBytes: 1 } }] as const))

describe("a disk is short", () => {
  const disk = (freeMebibytes: number, totalMebibytes: number) => ({
    freeBytes: freeMebibytes * mebibyte,
    totalBytes: totalMebibytes * mebibyte
  })
  it("below 256 MiB on a large disk, and below a twentieth on a small one", () => {
    assert.isTrue(isShort(false, disk(255, 1_000_000)))
    assert.isFalse(isShort(false, disk(256, 1_000_000)))
    assert.isTrue(isShort(false, disk(4, 100)))
    assert.isFalse(isShort(false, disk(5, 100)))
  })
  it("until twice as much is free", () => {
    assert.isTrue(isShort(true, disk(511, 1_000_000)))
    assert.isFalse(isShort(true, disk(512, 1_000_000)))
  })
})

describe("changes that add something are refused", () => {
  const refused = (voters: ReadonlyArray<string>, answer: ReadonlyArray<string>, short: ReadonlyArray<string>) =>
    closure(ids(...voters), answering(...answer), new Set(ids(...short))) !== null

  it("by a single master whose disk is short", () => assert.isTrue(refused(["a"], ["a"], ["a"])))
  it("not while a majority has room", () => {
    assert.isFalse(refused(["a", "b", "c"], ["a", "b", "c"], ["c"]))
    assert.isTrue(refused(["a", "b", "c"], ["a", "b", "c"], ["b", "c"]))
  })
  it("when the majority would need the short one, because another is away", () => {
    assert.isTrue(refused(["a", "b", "c"], ["a", "b"], ["b"]))
  })
  it("not because others do not answer", () => assert.isFalse(refused(["a", "b", "c"], ["a"], [])))
  it("not because of one that does not vote", () => assert.isFalse(refused(["a"], ["a", "d"], ["d"])))
  it("with whose disk it is, and what to do", () => {
    assert.match(String(closure(ids("a"), answering("a"), new Set(ids("a")))), /master a .*make room/)
  })
})

describe("with a full disk (rule 20)", () => {
  const tags = Object.keys(Command.cases) as ReadonlyArray<CommandTag>
  const gate = gateOf("no room")

  it("what people save is refused", () => {
    const saving = tags.filter((tag) => tag.startsWith("Save"))
    assert.isAbove(saving.length, 7)
    for (const tag of saving) assert.match(gate(tag)?.message ?? "", /^changes are refused: no room$/, tag)
  })

  it("deletes, logins and the cluster's own commands pass", () => {
    const passing = tags.filter((tag) => !adds(tag))
    for (const tag of tags.filter((each) => /^(Delete|Revoke|Remove|End)/.test(each))) assert.include(passing, tag)
    for (const tag of ["StartSession", "RotateSession", "AdmitMaster", "SetFreeze", "RecordDeployments"] as const) {
      assert.include(passing, tag)
    }
  })
})

describe("the use of a disk", () => {
  it.effect("counts what is in the data directory, and the state by itself", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-disk-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
      )
      yield* Effect.promise(() => mkdir(join(directory, "state")))
      yield* Effect.promise(() => writeFile(join(directory, "state", "state-1.db"), new Uint8Array(mebibyte)))
      yield* Effect.promise(() => writeFile(join(directory, "node.json"), new Uint8Array(mebibyte)))
      const use = yield* diskUse(directory)
      assert.isAtLeast(use.stateBytes, mebibyte)
      assert.isAtLeast(use.dataBytes, use.stateBytes + mebibyte)
      assert.isAbove(use.totalBytes, use.freeBytes)
    })
  )

  it.effect("says why it is not known", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(diskUse("/nowhere/at/all"))
      assert.match(error.message, /the disk of \/nowhere\/at\/all is: ENOENT/)
    })
  )

  it("is told in the unit that fits", () => {
    assert.deepStrictEqual([0, 1_023, 1_536, 2.5 * 1_024 ** 3].map(bytesText), [
      "0 bytes",
      "1023 bytes",
      "1.5 KiB",
      "2.5 GiB"
    ])
  })
})
