import { assert, describe, it } from "@effect/vitest"
import type { Entry, Snapshot, SnapshotMetadata } from "@nxmesh/raft/core/Types"
import { initialState } from "@nxmesh/raft/core/State"
import { defaultOptions } from "@nxmesh/raft/core/Options"
import { crc32c } from "@nxmesh/raft/storage/Crc32c"
import { StorageError } from "@nxmesh/raft/storage/StorageError"
import { packEntries, unpackEntries } from "@nxmesh/raft/storage/thread/PackedEntries"
import { StorageThread } from "@nxmesh/raft/storage/thread/StorageThread"
import type { ThreadOptions } from "@nxmesh/raft/storage/thread/StorageThread"
import { Result } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { command, commands, configuration, content, snapshotAt } from "../Samples.ts"

const heldFileSystem = new URL("./HeldFileSystem.ts", import.meta.url).href

const withDirectory = async (use: (path: string) => Promise<void>): Promise<void> => {
  const path = await mkdtemp(join(tmpdir(), "raft-thread-"))
  try {
    await use(join(path, "raft"))
  } finally {
    await rm(path, { recursive: true })
  }
}

/** Waits for the answer of a call; throws its refusal. */
const answer = async <A>(call: (done: (outcome: Result.Result<A, StorageError>) => void) => void): Promise<A> => {
  const outcome = await new Promise<Result.Result<A, StorageError>>(call)
  if (Result.isFailure(outcome)) throw outcome.failure
  return outcome.success
}

const refusalOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (cause: unknown) => cause
  )

/** Makes a snapshot of these bytes. */
const store = async (thread: StorageThread, metadata: SnapshotMetadata, bytes: Uint8Array): Promise<Snapshot> => {
  assert.strictEqual(await answer<number>((done) => thread.receiveSnapshot(metadata, null, done)), 0)
  assert.strictEqual(await answer<number>((done) => thread.writeSnapshot(0, bytes, done)), bytes.length)
  return answer<Snapshot>((done) => thread.finishSnapshot(done))
}

/** Says when an append became durable, and how many times durability was told. */
const opened = async (path: string, options: ThreadOptions = {}) => {
  const waiting = new Map<number, () => void>()
  const told: Array<number> = []
  const failures: Array<StorageError> = []
  let tellFailed = (): void => undefined
  const failed = new Promise<void>((resolve) => (tellFailed = resolve))
  const thread = await StorageThread.open(
    path,
    {
      durable: (sequence) => {
        told.push(sequence)
        for (const [waited, resolve] of waiting) {
          if (waited > sequence) continue
          waiting.delete(waited)
          resolve()
        }
      },
      failed: (failure) => {
        failures.push(failure)
        tellFailed()
      }
    },
    options
  )
  let sequence = 0
  const append = (entries: ReadonlyArray<Entry>, term = 1): Promise<void> =>
    new Promise((resolve) => {
      sequence += 1
      waiting.set(sequence, resolve)
      thread.append({ sequence, hardState: { term, vote: "a", commit: 0 }, truncateFrom: null, entries })
    })
  return { thread, append, told, failures, failed }
}

describe("packed entries", () => {
  it("are what was packed", () => {
    const entries: ReadonlyArray<Entry> = [
      { kind: "Empty", index: 1, term: 1 },
      { kind: "Configuration", index: 2, term: 2 ** 40, configuration },
      command(2 ** 45, 2, 0),
      command(4, 2, 77)
    ]
    assert.deepStrictEqual(unpackEntries(packEntries(entries)), entries)
    assert.deepStrictEqual(unpackEntries(packEntries([])), [])
  })
})

describe("a storage thread", { timeout: 20_000 }, () => {
  it("tells what is durable, in few flushes for many appends", () =>
    withDirectory(async (path) => {
      const { append, thread, told } = await opened(path)
      await Promise.all(Array.from({ length: 500 }, (_, i) => append([command(i + 1, 1)])))
      assert.strictEqual(told.at(-1), 500)
      assert.isBelow(told.length, 250)
      await thread.close()
      const again = await opened(path)
      assert.deepStrictEqual(again.thread.recovered.entries, commands(1, 500, 1))
      assert.deepStrictEqual(again.thread.recovered.hardState, { term: 1, vote: "a", commit: 0 })
      await again.thread.close()
    }))

  it("gives the core what it can start from, after a snapshot and a compaction", () =>
    withDirectory(async (path) => {
      const first = await opened(path)
      await first.append(commands(1, 50, 1))
      const bytes = content(1, 1, 100_000)
      const snapshot = await store(first.thread, snapshotAt(40, 1), bytes)
      assert.deepStrictEqual(snapshot, { metadata: snapshotAt(40, 1), bytes: 100_000, checksum: crc32c(bytes) })
      const read = (index: number, offset: number): Promise<Uint8Array | null> =>
        answer((done) => first.thread.readSnapshot(index, offset, 100, done))
      assert.deepStrictEqual(await read(40, 99_990), bytes.subarray(99_990))
      assert.strictEqual(await read(39, 0), null)
      first.thread.compact(40)
      await first.thread.close()
      const { thread } = await opened(path)
      const { base, entries, hardState } = thread.recovered
      const state = initialState({
        id: "a",
        options: defaultOptions,
        seed: 1,
        hardState,
        snapshot,
        base,
        entries,
        bootstrap: null,
        applied: 40
      })
      assert.strictEqual(state.persisted, 50)
      assert.strictEqual(state.commit, 40)
      await thread.close()
    }))

  it("restores a snapshot that is ahead of the log", () =>
    withDirectory(async (path) => {
      const { append, thread } = await opened(path)
      await append(commands(1, 5, 1))
      await store(thread, snapshotAt(40, 3), content(1, 1))
      await answer<void>((done) => thread.restore(done))
      await append(commands(41, 42, 3), 3)
      await thread.close()
      const again = await opened(path)
      assert.deepStrictEqual(again.thread.recovered.base, { index: 40, term: 3 })
      assert.deepStrictEqual(again.thread.recovered.entries, commands(41, 42, 3))
      await again.thread.close()
    }))

  it("makes appends durable while a snapshot is still being written", () =>
    withDirectory(async (path) => {
      const { append, thread } = await opened(path, { fileSystemModule: heldFileSystem })
      await append(commands(1, 5, 1))
      const hold = join(dirname(path), "hold-snapshot")
      await writeFile(hold, "")
      let isFinished = false
      const finished = store(thread, snapshotAt(4, 1), content(1, 1, 1_000_000)).finally(() => (isFinished = true))
      for (let index = 6; index <= 20; index++) await append([command(index, 1)])
      assert.isFalse(isFinished)
      await rm(hold)
      assert.strictEqual((await finished).bytes, 1_000_000)
      thread.compact(4)
      await thread.close()
      const again = await opened(path)
      assert.deepStrictEqual(again.thread.recovered.snapshot?.metadata, snapshotAt(4, 1))
      assert.strictEqual(again.thread.recovered.entries.at(-1)?.index, 20)
      await again.thread.close()
    }))

  it("refuses a snapshot that is not what was sent, and goes on", () =>
    withDirectory(async (path) => {
      const { append, failures, thread } = await opened(path)
      await append(commands(1, 5, 1))
      const said = { bytes: 1_000, checksum: 1 }
      await answer<number>((done) => thread.receiveSnapshot(snapshotAt(9, 1), said, done))
      await answer<number>((done) => thread.writeSnapshot(0, content(1, 1, 1_000), done))
      const refusal = await refusalOf(answer<Snapshot>((done) => thread.finishSnapshot(done)))
      assert.instanceOf(refusal, StorageError)
      assert.strictEqual(refusal.reason, "Transfer")
      await store(thread, snapshotAt(3, 1), content(1, 1))
      await append([command(6, 1)])
      assert.lengthOf(failures, 0)
      await thread.close()
    }))

  it("refuses a directory that another one holds", () =>
    withDirectory(async (path) => {
      const { thread } = await opened(path)
      const refusal = await refusalOf(opened(path))
      assert.instanceOf(refusal, StorageError)
      assert.strictEqual(refusal.reason, "Locked")
      await thread.close()
    }))

  it("refuses what the contract does not allow, and says so once when an append broke it", () =>
    withDirectory(async (path) => {
      const { append, failed, failures, thread } = await opened(path)
      const refusal = await refusalOf(answer<void>((done) => thread.restore(done)))
      assert.instanceOf(refusal, StorageError)
      assert.strictEqual(refusal.reason, "Misuse")
      await append([command(1, 1)])
      assert.lengthOf(failures, 0)
      thread.append({ sequence: 2, hardState: null, truncateFrom: null, entries: [command(7, 1)] })
      await failed
      assert.deepStrictEqual(
        failures.map(({ reason }) => reason),
        ["Misuse"]
      )
      await thread.close()
    }))
})
