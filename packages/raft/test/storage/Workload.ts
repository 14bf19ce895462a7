/**
 * What a node does to its storage in a busy hour, in forty steps: votes, appends, truncations, segments that roll,
 * snapshots made and received, compaction. Small, so that a crash at every single write of it can be tried.
 */
import type { Entry } from "@nxmesh/raft/core/Types"
import { crc32c } from "@nxmesh/raft/storage/Crc32c"
import type { Crash } from "@nxmesh/raft/storage/MemoryStorage"
import { MemoryStorage } from "@nxmesh/raft/storage/MemoryStorage"
import type { Storage } from "@nxmesh/raft/storage/Storage"
import { commands, content, entriesOnly, snapshotAt } from "./Samples.ts"

export type Step = (storage: Storage) => void

const append =
  (entries: ReadonlyArray<Entry>): Step =>
  (storage) =>
    storage.append(entriesOnly(entries))
const vote =
  (term: number, candidate: string | null): Step =>
  (storage) =>
    storage.append({ hardState: { term, vote: candidate, commit: 0 }, truncateFrom: null, entries: [] })
const sync: Step = (storage) => void storage.sync()
const truncate =
  (index: number): Step =>
  (storage) =>
    storage.append({ hardState: null, truncateFrom: index, entries: [] })

const snapshotBytes = content(3, 3, 70_000)
const receiveHalf: Step = (storage) => {
  const writer = storage.snapshots.receive(snapshotAt(60, 6), { bytes: 70_000, checksum: crc32c(snapshotBytes) })
  if (writer.received === 0) writer.write(0, snapshotBytes.subarray(0, 66_000))
}
const receiveRest: Step = (storage) => {
  const writer = storage.snapshots.receive(snapshotAt(60, 6), { bytes: 70_000, checksum: crc32c(snapshotBytes) })
  writer.write(writer.received, snapshotBytes.subarray(writer.received))
  writer.finish()
}
const takeSnapshot =
  (index: number, term: number): Step =>
  (storage) => {
    const writer = storage.snapshots.receive(snapshotAt(index, term), null)
    writer.write(0, content(index, term, 300))
    writer.finish()
  }

export const workload: ReadonlyArray<Step> = [
  vote(1, "a"),
  sync,
  append(commands(1, 2, 1)),
  sync,
  append(commands(3, 3, 1)),
  append(commands(4, 12, 1)),
  sync,
  // A new leader: other entries in place of the tail, term and entries in one flush.
  (storage) =>
    storage.append({ hardState: { term: 2, vote: null, commit: 3 }, truncateFrom: 9, entries: commands(9, 11, 2) }),
  sync,
  append(commands(12, 40, 2)),
  sync,
  // Entries of the same size in place of those at the same offsets of an earlier tail, twice without a flush between.
  append(commands(38, 39, 3)),
  append(commands(38, 40, 4)),
  sync,
  truncate(36),
  sync,
  append(commands(36, 37, 5)),
  vote(6, "c"),
  sync,
  takeSnapshot(30, 2),
  (storage) => storage.compact(30),
  append(commands(38, 44, 6)),
  sync,
  receiveHalf,
  append(commands(45, 50, 6, 200)),
  sync,
  receiveRest,
  (storage) => storage.restore(),
  (storage) => storage.compact(60),
  append(commands(61, 63, 6)),
  sync,
  vote(7, "b"),
  sync,
  append(commands(64, 90, 7)),
  sync,
  takeSnapshot(80, 7),
  (storage) => storage.compact(80),
  append(commands(88, 95, 8, 90)),
  sync
]

/** How many steps succeed before `storage` throws, or all. */
export const runUntilFailure = (storage: () => Storage): number => {
  let done = 0
  try {
    const opened = storage()
    for (const step of workload) {
      step(opened)
      done += 1
    }
  } catch {
    return done
  }
  return done
}

const replay = (steps: number): MemoryStorage => {
  const storage = new MemoryStorage()
  for (const step of workload.slice(0, steps)) step(storage)
  return storage
}

export interface Expected {
  readonly storage: Storage
  readonly how: string
}

/**
 * Every state that may be found after a crash in the step after `steps` of them: what was synced, and any part, from the
 * front, of what was not; with the step in which it happened done, or not.
 */
export const expectedAfter = (steps: number): ReadonlyArray<Expected> => {
  const expected: Array<Expected> = []
  for (const done of [steps, steps + 1]) {
    if (done > workload.length) continue
    const changes = replay(done).unsyncedLogChanges
    for (let logChanges = 0; logChanges <= changes; logChanges++) {
      for (const hardState of [false, true]) {
        const crash: Crash = { logChanges, hardState }
        expected.push({ storage: replay(done).crash(crash), how: `${done} steps, ${JSON.stringify(crash)}` })
      }
    }
  }
  return expected
}

const unlimited = Number.POSITIVE_INFINITY

/** A storage in words: what must be the same for two of them to be the same to a node. */
export const describeStorage = (storage: Storage, from: number): string => {
  const entries = storage.lastIndex < from ? [] : storage.entries(from, storage.lastIndex, unlimited)
  return JSON.stringify({
    term: storage.hardState.term,
    vote: storage.hardState.vote,
    snapshot: storage.snapshots.latest,
    last: [storage.lastIndex, storage.lastTerm],
    entries: entries.map((entry) => [
      entry.index,
      entry.term,
      entry.kind === "Command" ? crc32c(entry.data) : entry.kind
    ])
  })
}

/** What every recovered storage must be: complete from the snapshot on, and one of the states that may be found. */
export const findProblem = (recovered: Storage, expected: ReadonlyArray<Expected>): string | null => {
  const covered = recovered.snapshots.latest?.metadata.index ?? 0
  if (recovered.firstIndex > covered + 1) return `a gap: ${covered}, then ${recovered.firstIndex}`
  const found = describeStorage(recovered, covered + 1)
  const same = expected.some(({ storage }) => {
    const from = (storage.snapshots.latest?.metadata.index ?? 0) + 1
    return describeStorage(storage, from) === found
  })
  if (same) return null
  const candidates = expected.map(({ how, storage }) => `${how}: ${describeStorage(storage, covered + 1)}`)
  return `found ${found}\nexpected one of\n${candidates.join("\n")}`
}
