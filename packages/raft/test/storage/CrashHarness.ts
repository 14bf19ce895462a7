/**
 * Cuts the power, kills the process or fails an operation at every boundary of the workload, and says what is wrong
 * with what is recovered: `null` when nothing is. Takes the storage as a function, so that a broken one can be tried.
 */
import type { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import type { DiskFault, Survival } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { SimulatedDisk } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { command, entriesOnly } from "./Samples.ts"
import type { Expected } from "./Workload.ts"
import { describeStorage, expectedAfter, findProblem, runUntilFailure } from "./Workload.ts"

export type OpenStorage = (disk: SimulatedDisk) => DiskStorage

const cache = new Map<number, ReadonlyArray<Expected>>()
const expected = (steps: number): ReadonlyArray<Expected> => {
  const found = cache.get(steps) ?? expectedAfter(steps)
  cache.set(steps, found)
  return found
}

/** Unflushed sectors survive with so many percent. */
export const chosen = (seed: number, percent: number): Survival => {
  const random = new SeededRandom(seed)
  return { kind: "chosen", survives: () => random.chance(percent) }
}

const garbled = (seed: number, percent: number): Survival => {
  const random = new SeededRandom(seed)
  return { kind: "garbled", survives: () => random.chance(percent), noise: () => random.bits() }
}

const survivals = (operation: number): ReadonlyArray<Survival> => [
  { kind: "none" },
  { kind: "all" },
  ...[0, 1, 2, 3].map((count): Survival => ({ kind: "prefix", count, tornBytes: (operation * 37) % 512 })),
  ...[20, 50, 80, 95].map((percent) => chosen(operation * 100 + percent, percent)),
  ...[0, 50, 90].map((percent) => garbled(operation * 100 + percent, percent))
]

export const healthyRun = (open: OpenStorage) => {
  const disk = new SimulatedDisk()
  const steps = runUntilFailure(() => open(disk))
  return { steps, operations: disk.operations, history: disk.history, disk }
}

const failedAt = (open: OpenStorage, fault: DiskFault) => {
  const disk = new SimulatedDisk()
  disk.failAt(fault)
  return { disk, steps: runUntilFailure(() => open(disk)) }
}

const described = (storage: DiskStorage): string =>
  describeStorage(storage, (storage.snapshots.latest?.metadata.index ?? 0) + 1)

/** What was recovered is durable, for a node acts on it at once; and it can be appended to. */
const findUnsettled = (open: OpenStorage, disk: SimulatedDisk, recovered: DiskStorage): string | null => {
  const before = described(recovered)
  disk.restart({ kind: "none" })
  const again = open(disk)
  if (described(again) !== before) return `after another power cut there is ${described(again)}, not ${before}`
  again.append(entriesOnly([command(again.lastIndex + 1, 50), command(again.lastIndex + 2, 50)]))
  const durable = again.sync()
  disk.restart({ kind: "none" })
  const { lastIndex, lastTerm } = open(disk)
  return lastIndex === durable.index && lastTerm === durable.term ? null : `${durable.index} became ${lastIndex}`
}

const findWrong = (open: OpenStorage, disk: SimulatedDisk, steps: number, place: string): string | null => {
  try {
    const recovered = open(disk)
    const problem = findProblem(recovered, expected(steps)) ?? findUnsettled(open, disk, recovered)
    return problem === null ? null : `${place}, after ${steps} steps: ${problem}`
  } catch (cause) {
    return `${place}, after ${steps} steps: ${String(cause)}`
  }
}

const firstProblem = (operations: number, tryAt: (operation: number) => string | null): string | null => {
  for (let operation = 1; operation <= operations + 1; operation++) {
    const problem = tryAt(operation)
    if (problem !== null) return problem
  }
  return null
}

export const cutEverywhere = (open: OpenStorage): string | null =>
  firstProblem(healthyRun(open).operations, (operation) => {
    const cut = failedAt(open, { operation, kind: "cut" })
    for (const [i, survival] of survivals(operation).entries()) {
      const disk = cut.disk.copy()
      disk.restart(survival)
      const problem = findWrong(open, disk, cut.steps, `cut at operation ${operation}, survival ${i}`)
      if (problem !== null) return problem
    }
    return null
  })

/** A second cut, at one of the first operations of recovery. */
export const cutTwiceEverywhere = (open: OpenStorage): string | null =>
  firstProblem(healthyRun(open).operations, (operation) => {
    const cut = failedAt(open, { operation, kind: "cut" })
    for (let second = 1; second <= 4; second++) {
      const disk = cut.disk.copy()
      disk.restart(chosen(operation, 60))
      disk.failAt({ operation: disk.operations + second, kind: "cut" })
      try {
        open(disk)
      } catch {
        // Which is what the second cut is for.
      }
      disk.restart(second % 2 === 0 ? chosen(operation + second, 50) : garbled(operation + second, 50))
      const problem = findWrong(
        open,
        disk,
        cut.steps,
        `cut at operation ${operation}, and at the ${second}th of recovery`
      )
      if (problem !== null) return problem
    }
    return null
  })

/** The process dies, the kernel goes on. */
export const killEverywhere = (open: OpenStorage): string | null =>
  firstProblem(healthyRun(open).operations, (operation) => {
    const { disk, steps } = failedAt(open, { operation, kind: "cut" })
    disk.kill()
    return findWrong(open, disk, steps, `killed at operation ${operation}`)
  })

/** An operation fails, and then the process is killed, or the power goes. */
export const failEverywhere = (open: OpenStorage, kind: "EIO" | "ENOSPC"): string | null =>
  firstProblem(healthyRun(open).operations - 1, (operation) => {
    const failed = failedAt(open, { operation, kind })
    for (const end of ["killed", "cut"] as const) {
      const disk = failed.disk.copy()
      if (end === "killed") disk.kill()
      else disk.restart(chosen(operation, 50))
      const problem = findWrong(open, disk, failed.steps, `${kind} at operation ${operation}, then ${end}`)
      if (problem !== null) return problem
    }
    return null
  })
