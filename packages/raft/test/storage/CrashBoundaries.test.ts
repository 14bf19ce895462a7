/**
 * Goal: whatever is acknowledged survives, whenever the power goes. Method: the workload runs on a simulated disk; it
 * is cut before every operation that changes the disk, with many choices of which unflushed sectors survive; what is
 * recovered must be one of the states that the twin in memory allows.
 */
import { assert, describe, it } from "@effect/vitest"
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import type { DiskFault, Survival } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { SimulatedDisk } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { command, entriesOnly, tinyLog } from "./Samples.ts"
import type { Expected } from "./Workload.ts"
import { describeStorage, expectedAfter, findProblem, runUntilFailure, workload } from "./Workload.ts"

const directory = "/raft"

const boundaries = (() => {
  const disk = new SimulatedDisk()
  const done = runUntilFailure(() => DiskStorage.open(disk, directory, tinyLog))
  assert.strictEqual(done, workload.length, "the workload runs to its end on a healthy disk")
  return { count: disk.operations, history: disk.history }
})()

const cache = new Map<number, ReadonlyArray<Expected>>()
const expected = (steps: number): ReadonlyArray<Expected> => {
  const found = cache.get(steps) ?? expectedAfter(steps)
  cache.set(steps, found)
  return found
}

const chosen = (seed: number, percent: number): Survival => {
  const random = new SeededRandom(seed)
  return { kind: "chosen", survives: () => random.chance(percent) }
}

const survivals = (operation: number): ReadonlyArray<Survival> => [
  { kind: "none" },
  { kind: "all" },
  ...[0, 1, 2, 3].map((count): Survival => ({ kind: "prefix", count, tornBytes: (operation * 37) % 512 })),
  ...[20, 50, 80, 95].map((percent) => chosen(operation * 100 + percent, percent))
]

const failedAt = (fault: DiskFault): { readonly disk: SimulatedDisk; readonly steps: number } => {
  const disk = new SimulatedDisk()
  disk.failAt(fault)
  const steps = runUntilFailure(() => DiskStorage.open(disk, directory, tinyLog))
  return { disk, steps }
}

/** What was recovered is durable: a node acts on it at once. And it can be appended to. */
const assertSettled = (disk: SimulatedDisk, recovered: DiskStorage, place: string): void => {
  const before = describeStorage(recovered, (recovered.snapshots.latest?.metadata.index ?? 0) + 1)
  disk.restart({ kind: "none" })
  const again = DiskStorage.open(disk, directory, tinyLog)
  assert.strictEqual(
    describeStorage(again, (again.snapshots.latest?.metadata.index ?? 0) + 1),
    before,
    `${place}: the same after another power cut`
  )
  again.append(entriesOnly([command(again.lastIndex + 1, 50), command(again.lastIndex + 2, 50)]))
  const durable = again.sync()
  disk.restart({ kind: "none" })
  const later = DiskStorage.open(disk, directory, tinyLog)
  assert.deepStrictEqual({ index: later.lastIndex, term: later.lastTerm }, durable, place)
}

const assertRecovers = (disk: SimulatedDisk, steps: number, place: string): void => {
  const recovered = DiskStorage.open(disk, directory, tinyLog)
  const problem = findProblem(recovered, expected(steps))
  if (problem !== null) assert.fail(`${place}, after ${steps} steps: ${problem}`)
  assertSettled(disk, recovered, place)
}

describe("a storage on a disk", () => {
  it("goes through every kind of operation in its workload", () => {
    assert.deepStrictEqual([...new Set(boundaries.history)].sort(), [
      "create",
      "remove",
      "rename",
      "sync",
      "syncDirectory",
      "write"
    ])
    assert.isAbove(boundaries.count, 150)
  })

  it("recovers what it acknowledged from a power cut at every operation", () => {
    for (let operation = 1; operation <= boundaries.count + 1; operation++) {
      for (const [i, survival] of survivals(operation).entries()) {
        const { disk, steps } = failedAt({ operation, kind: "cut" })
        disk.restart(survival)
        assertRecovers(disk, steps, `cut at operation ${operation}, survival ${i}`)
      }
    }
  })

  it("recovers from a power cut during recovery", () => {
    for (let operation = 1; operation <= boundaries.count + 1; operation++) {
      for (let second = 1; second <= 4; second++) {
        const { disk, steps } = failedAt({ operation, kind: "cut" })
        disk.restart(chosen(operation, 60))
        disk.failAt({ operation: disk.operations + second, kind: "cut" })
        try {
          DiskStorage.open(disk, directory, tinyLog)
        } catch {
          // Which is what the second cut is for.
        }
        disk.restart(chosen(operation + second, 50))
        assertRecovers(disk, steps, `cut at operation ${operation}, and at the ${second}th of recovery`)
      }
    }
  })

  it("recovers what a killed process wrote, and makes it durable before it counts", () => {
    for (let operation = 1; operation <= boundaries.count + 1; operation++) {
      const { disk, steps } = failedAt({ operation, kind: "cut" })
      disk.kill()
      assertRecovers(disk, steps, `killed at operation ${operation}`)
    }
  })

  for (const kind of ["EIO", "ENOSPC"] as const) {
    it(`acknowledges nothing that ${kind} hit, at every operation`, () => {
      for (let operation = 1; operation <= boundaries.count; operation++) {
        for (const end of ["killed", "cut"] as const) {
          const { disk, steps } = failedAt({ operation, kind })
          if (end === "killed") disk.kill()
          else disk.restart(chosen(operation, 50))
          assertRecovers(disk, steps, `${kind} at operation ${operation}, then ${end}`)
        }
      }
    })
  }
})
