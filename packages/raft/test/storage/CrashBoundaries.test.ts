/**
 * Goal: whatever is acknowledged survives, whenever the power goes. Method: the workload runs on a simulated disk; it
 * is cut before every operation that changes the disk, with many choices of which unflushed sectors survive; what is
 * recovered must be one of the states that the twin in memory allows.
 */
import { assert, describe, it } from "@effect/vitest"
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { cutEverywhere, cutTwiceEverywhere, failEverywhere, healthyRun, killEverywhere } from "./CrashHarness.ts"
import type { OpenStorage } from "./CrashHarness.ts"
import { tinyLog } from "./Samples.ts"
import { workload } from "./Workload.ts"

const open: OpenStorage = (disk) => DiskStorage.open(disk, "/raft", tinyLog)

describe("a storage on a disk", () => {
  it("goes through every kind of operation in its workload", () => {
    const { history, operations, steps } = healthyRun(open)
    assert.strictEqual(steps, workload.length)
    const kinds = ["create", "remove", "rename", "sync", "syncDirectory", "write"]
    assert.deepStrictEqual([...new Set(history)].sort(), kinds)
    assert.isAbove(operations, 150)
  })

  it("recovers what it acknowledged from a power cut at every operation", () => {
    assert.strictEqual(cutEverywhere(open), null)
  })

  it("recovers from a power cut during recovery", () => {
    assert.strictEqual(cutTwiceEverywhere(open), null)
  })

  it("recovers what a killed process wrote, and makes it durable before it counts", () => {
    assert.strictEqual(killEverywhere(open), null)
  })

  for (const kind of ["EIO", "ENOSPC"] as const) {
    it(`acknowledges nothing that ${kind} hit, at every operation`, () => {
      assert.strictEqual(failEverywhere(open, kind), null)
    })
  }
})
