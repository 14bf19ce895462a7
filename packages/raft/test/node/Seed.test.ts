/**
 * Goal: a directory that is being seeded is empty or whole, whenever the power goes. Method: it is cut before every
 * operation that changes the disk, with many choices of what survives; then it is seeded again, or it is complete.
 */
import { assert, describe, it } from "@effect/vitest"
import type { SnapshotMetadata } from "@nxmesh/raft/core/Types"
import { inspectNode, recoverNode } from "@nxmesh/raft/node/Recover"
import { seedNode } from "@nxmesh/raft/node/Seed"
import type { Seed } from "@nxmesh/raft/node/Seed"
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { SimulatedDisk } from "@nxmesh/raft/storage/file/SimulatedDisk"
import type { Survival } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { Effect, Exit } from "effect"
import { chosen } from "../storage/CrashHarness.ts"
import { command, content, tinyLog } from "../storage/Samples.ts"

const directory = "/data/raft"
const configuration = { voters: ["a"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
const metadata: SnapshotMetadata = { index: 700, term: 3, configuration }
const state = content(700, 3, 100_000)

const seedOf = (files: SimulatedDisk, changes: Partial<Seed["snapshot"]> = {}): Seed => ({
  directory,
  id: "a",
  log: tinyLog,
  files,
  snapshot: {
    ...metadata,
    bytes: state.length,
    read: (offset, bytesMax) => Effect.succeed(state.slice(offset, offset + Math.min(bytesMax, 30_000))),
    ...changes
  }
})

const seed = (files: SimulatedDisk): Exit.Exit<void, unknown> => Effect.runSyncExit(seedNode(seedOf(files)))

const failureOf = <A, E extends Error>(effect: Effect.Effect<A, E>): string =>
  Effect.runSync(Effect.flip(effect)).message

/** What is wrong with a seeded directory; `null`: nothing. */
const problemOf = (files: SimulatedDisk): string | null => {
  const storage = DiskStorage.open(files, directory, tinyLog)
  const { firstIndex, hardState, lastIndex, lastTerm, snapshots } = storage
  const found = { firstIndex, lastIndex, lastTerm, hardState, metadata: snapshots.latest?.metadata }
  const expected = {
    firstIndex: 701,
    lastIndex: 700,
    lastTerm: 3,
    hardState: { term: 3, vote: null, commit: 700 },
    metadata
  }
  const bytes = snapshots.read(700, 0, state.length)
  if (bytes === null || Buffer.compare(bytes, state) !== 0) return "the snapshot has other bytes"
  storage.append({ hardState: null, truncateFrom: null, entries: [command(701, 4)] })
  storage.sync()
  storage.close()
  return JSON.stringify(found) === JSON.stringify(expected) ? null : `there is ${JSON.stringify(found)}`
}

const survivals = (operation: number): ReadonlyArray<Survival> => [
  { kind: "none" },
  { kind: "all" },
  { kind: "prefix", count: 1, tornBytes: 100 },
  ...[20, 50, 80].map((percent) => chosen(operation * 100 + percent, percent))
]

describe("a directory that is seeded", () => {
  it("looks as if the snapshot had been received: the log goes on after it", () => {
    const files = new SimulatedDisk()
    assert.isTrue(Exit.isSuccess(seed(files)))
    assert.isNull(problemOf(files))
  })

  it("is empty or whole after a power cut at every operation, and can be seeded when it is empty", () => {
    const healthy = new SimulatedDisk()
    seed(healthy)
    const seen = { empty: 0, whole: 0 }
    for (let operation = 1; operation <= healthy.operations + 1; operation++) {
      const cut = new SimulatedDisk()
      cut.failAt({ operation, kind: "cut" })
      const isSeeded = Exit.isSuccess(seed(cut))
      for (const survival of survivals(operation)) {
        const files = cut.copy()
        files.restart(survival)
        const isEmpty = files.list(directory).length === 0
        seen[isEmpty ? "empty" : "whole"]++
        if (isEmpty) assert.isFalse(isSeeded, `${operation}: what was confirmed is gone`)
        if (isEmpty) assert.isTrue(Exit.isSuccess(seed(files)), `${operation}: it cannot be seeded again`)
        assert.isNull(problemOf(files), `cut at operation ${operation}, ${survival.kind}`)
      }
    }
    assert.isAbove(Math.min(seen.empty, seen.whole), 0)
  })

  it("is one that failed with a full disk, too", () => {
    const files = new SimulatedDisk()
    files.failAt({ operation: 8, kind: "ENOSPC" })
    assert.isTrue(Exit.isFailure(seed(files)))
    files.kill()
    assert.deepStrictEqual(files.list(directory), [])
    assert.isTrue(Exit.isSuccess(seed(files)))
  })

  it("is refused when a node has been there: it says what to do", () => {
    const files = new SimulatedDisk()
    seed(files)
    const before = files.operations
    assert.match(
      failureOf(seedNode(seedOf(files))),
      /\/data\/raft: .*not empty.*If a node has its log here, start it as it is/
    )
    assert.strictEqual(files.operations, before)
  })

  it("is refused for a snapshot that covers nothing, does not name the node, or ends too early", () => {
    const refusal = (changes: Partial<Seed["snapshot"]>): string =>
      failureOf(seedNode(seedOf(new SimulatedDisk(), changes)))
    assert.match(refusal({ index: 0 }), /covers no entry/)
    assert.match(refusal({ configuration: { ...configuration, voters: ["b"] } }), /does not name a/)
    assert.match(refusal({ bytes: state.length + 1 }), /cannot be read at offset 100000: it gave 0 bytes/)
    assert.match(refusal({ read: () => Effect.fail(new Error("it is locked")) }), /at offset 0: it is locked/)
  })

  it("may hold an empty snapshot", () => {
    const files = new SimulatedDisk()
    Effect.runSync(seedNode(seedOf(files, { bytes: 0, read: () => Effect.die("nothing is read") })))
    assert.strictEqual(DiskStorage.open(files, directory, tinyLog).snapshots.latest?.bytes, 0)
  })
})

describe("a directory that is recovered", () => {
  const recovery = (files: SimulatedDisk, id = "b") => recoverNode({ directory, id, log: tinyLog, files })

  it("has the node as its only voter, in a term above all that it has seen", () => {
    const files = new SimulatedDisk()
    seed(files)
    const before = DiskStorage.open(files, directory, tinyLog)
    before.append({ hardState: { term: 9, vote: "c", commit: 700 }, truncateFrom: null, entries: [command(701, 4)] })
    before.close()
    const inspected = { lastIndex: 701, lastTerm: 4, commit: 700, term: 9 }
    assert.deepStrictEqual(Effect.runSync(inspectNode({ directory, log: tinyLog, files })), inspected)
    assert.deepStrictEqual(Effect.runSync(recovery(files)), { index: 702, term: 10 })
    const after = DiskStorage.open(files, directory, tinyLog)
    assert.deepStrictEqual(after.hardState, { term: 10, vote: "b", commit: 700 })
    const [kept, added] = after.entries(701, 702, 10_000)
    assert.deepStrictEqual(kept, command(701, 4))
    const alone = { ...configuration, voters: ["b"] }
    assert.deepStrictEqual(added, { kind: "Configuration", index: 702, term: 10, configuration: alone })
  })

  it("says of a log that holds nothing after its snapshot where that ends, and nothing of an empty directory", () => {
    const files = new SimulatedDisk()
    seed(files)
    const inspected = { lastIndex: 700, lastTerm: 3, commit: 700, term: 3 }
    assert.deepStrictEqual(Effect.runSync(inspectNode({ directory, log: tinyLog, files })), inspected)
    const none = Effect.runSync(Effect.flip(inspectNode({ directory: "/data/empty", log: tinyLog, files })))
    assert.match(none.message, /there is no log of a member here/)
  })

  it("has what it had, or is recovered, after a power cut at every operation; and is recovered by the next attempt", () => {
    const seeded = new SimulatedDisk()
    seed(seeded)
    const healthy = seeded.copy()
    healthy.restart({ kind: "all" })
    const from = healthy.operations
    Effect.runSync(recovery(healthy))
    for (let operation = from + 1; operation <= healthy.operations + 1; operation++) {
      const cut = seeded.copy()
      cut.restart({ kind: "all" })
      cut.failAt({ operation, kind: "cut" })
      Effect.runSyncExit(recovery(cut))
      for (const survival of survivals(operation)) {
        const files = cut.copy()
        files.restart(survival)
        const { index, term } = Effect.runSync(recovery(files))
        // Either the whole of the first attempt was there, or at most its term.
        assert.include([701, 702], index, `cut at operation ${operation}`)
        assert.isAtLeast(term, index === 702 ? 5 : 4)
        const { hardState, lastIndex } = DiskStorage.open(files, directory, tinyLog)
        assert.deepStrictEqual([lastIndex, hardState], [index, { term, vote: "b", commit: 700 }])
      }
    }
  })

  it("is refused where no node has been, and nothing is made there", () => {
    const files = new SimulatedDisk()
    assert.match(failureOf(recovery(files)), /there is no log of a member here/)
    assert.strictEqual(files.operations, 0)
    DiskStorage.open(files, directory, tinyLog).close()
    assert.match(failureOf(recovery(files)), /there is no log of a member here/)
  })

  it("is refused while a node uses it", () => {
    const files = new SimulatedDisk()
    seed(files)
    DiskStorage.open(files, directory, tinyLog)
    assert.match(failureOf(recovery(files)), /this directory is in use/)
  })
})
