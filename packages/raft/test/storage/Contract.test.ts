/** One contract for both storages: what holds for the files holds for their twin in memory. */
import { assert, describe, it } from "@effect/vitest"
import type { Entry, HardState } from "@nxmesh/raft/core/Types"
import { crc32c } from "@nxmesh/raft/storage/Crc32c"
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { SimulatedDisk } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { MemoryStorage } from "@nxmesh/raft/storage/MemoryStorage"
import type { Storage } from "@nxmesh/raft/storage/Storage"
import { StorageError } from "@nxmesh/raft/storage/StorageError"
import { command, commands, configuration, content, entriesOnly, snapshotAt, tinyLog } from "./Samples.ts"

interface Subject {
  readonly storage: Storage
  /** Closed and opened again. */
  readonly restart: () => Subject
  /** All that was not synced is gone. */
  readonly crash: () => Subject
  /** The next write to it fails. */
  readonly failNextWrite: () => void
}

const onDisk = (disk = new SimulatedDisk()): Subject => {
  const storage = DiskStorage.open(disk, "/raft", tinyLog)
  return {
    storage,
    restart: () => {
      storage.close()
      return onDisk(disk)
    },
    crash: () => {
      disk.restart({ kind: "none" })
      return onDisk(disk)
    },
    failNextWrite: () => disk.failAt({ operation: disk.operations + 1, kind: "EIO" })
  }
}

const inMemory = (storage = new MemoryStorage()): Subject => ({
  storage,
  restart: () => {
    storage.close()
    return inMemory(storage.crash({ logChanges: 0, hardState: false }))
  },
  crash: () => inMemory(storage.crash({ logChanges: 0, hardState: false })),
  failNextWrite: () => storage.fail(new Error("EIO"))
})

const all = (storage: Storage): ReadonlyArray<Entry> =>
  storage.lastIndex < storage.firstIndex
    ? []
    : storage.entries(storage.firstIndex, storage.lastIndex, Number.POSITIVE_INFINITY)

const voted: HardState = { term: 3, vote: "b", commit: 0 }

const takeSnapshot = (storage: Storage, index: number, term: number, bytes = content(index, term, 100)): void => {
  const writer = storage.snapshots.receive(snapshotAt(index, term), null)
  writer.write(0, bytes)
  writer.finish()
}

const reasonOf = (operation: () => unknown): string => {
  try {
    operation()
  } catch (cause) {
    if (cause instanceof StorageError) return cause.reason
    throw cause
  }
  return "none"
}

for (const [name, make] of [
  ["on disk", () => onDisk()],
  ["in memory", () => inMemory()]
] as const) {
  describe(`a storage ${name}`, () => {
    it("begins empty, in term 0, without a vote", () => {
      const { storage } = make()
      assert.deepStrictEqual(storage.hardState, { term: 0, vote: null, commit: 0 })
      assert.deepStrictEqual([storage.firstIndex, storage.lastIndex, storage.lastTerm], [1, 0, 0])
      assert.isNull(storage.snapshots.latest)
      assert.isNull(storage.term(1))
    })

    it("gives back every kind of entry, before and after a restart", () => {
      const subject = make()
      const entries: ReadonlyArray<Entry> = [
        { kind: "Empty", index: 1, term: 1 },
        { kind: "Configuration", index: 2, term: 1, configuration },
        command(3, 1),
        command(4, 2, 0),
        command(5, 2, 5_000)
      ]
      subject.storage.append({ hardState: voted, truncateFrom: null, entries })
      assert.deepStrictEqual(all(subject.storage), entries)
      assert.deepStrictEqual(subject.storage.sync(), { index: 5, term: 2 })
      const { storage } = subject.restart()
      assert.deepStrictEqual(all(storage), entries)
      assert.deepStrictEqual(storage.hardState, voted)
      assert.deepStrictEqual(
        [0, 1, 2, 3, 4, 5, 6].map((index) => storage.term(index)),
        [null, 1, 1, 1, 2, 2, null]
      )
    })

    it("loses nothing that was synced", () => {
      let subject = make()
      for (let index = 1; index <= 60; index += 3) {
        const hardState = { term: index, vote: index % 2 === 0 ? "b" : null, commit: index - 1 }
        subject.storage.append({ hardState, truncateFrom: null, entries: commands(index, index + 2, index) })
        assert.deepStrictEqual(subject.storage.sync(), { index: index + 2, term: index })
        subject = subject.crash()
        assert.strictEqual(subject.storage.lastIndex, index + 2)
        assert.strictEqual(subject.storage.hardState.term, index)
        assert.strictEqual(subject.storage.hardState.vote, hardState.vote)
      }
      assert.lengthOf(all(subject.storage), 60)
    })

    it("has after a crash what was synced, when nothing else survives", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 3, 1)))
      subject.storage.sync()
      subject.storage.append({ hardState: voted, truncateFrom: 3, entries: commands(3, 4, 2) })
      const { storage } = subject.crash()
      assert.deepStrictEqual(all(storage), commands(1, 3, 1))
      assert.strictEqual(storage.hardState.term, 1, "the term of the log is at least the term of the node")
      assert.isNull(storage.hardState.vote)
    })

    it("replaces entries from where a new one begins", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 40, 1)))
      subject.storage.append(entriesOnly(commands(20, 22, 2)))
      const expected = [...commands(1, 19, 1), ...commands(20, 22, 2)]
      assert.deepStrictEqual(all(subject.storage), expected)
      subject.storage.sync()
      assert.deepStrictEqual(all(subject.crash().storage), expected)
    })

    it("truncates without entries in their place", () => {
      const subject = make()
      subject.storage.append(entriesOnly([...commands(1, 5, 1), ...commands(6, 9, 3)]))
      subject.storage.append({ hardState: null, truncateFrom: 6, entries: [] })
      assert.deepStrictEqual([subject.storage.lastIndex, subject.storage.lastTerm], [5, 1])
      subject.storage.sync()
      const { storage } = subject.crash()
      assert.deepStrictEqual([storage.lastIndex, storage.lastTerm], [5, 1])
      storage.append({ hardState: null, truncateFrom: 1, entries: [] })
      assert.deepStrictEqual([storage.firstIndex, storage.lastIndex, storage.lastTerm], [1, 0, 0])
      storage.append(entriesOnly([command(1, 4)]))
      assert.deepStrictEqual(all(storage), [command(1, 4)])
    })

    it("reads up to a number of bytes, and at least one entry", () => {
      const { storage } = make()
      storage.append(entriesOnly(commands(1, 50, 1, 100)))
      assert.lengthOf(storage.entries(1, 50, 0), 1)
      assert.lengthOf(storage.entries(1, 50, 350), 3)
      assert.lengthOf(storage.entries(7, 30, 100_000), 24)
      assert.strictEqual(storage.entries(7, 30, 100_000)[0]?.index, 7)
    })

    it("refuses entries that do not follow, terms that go back and a second vote", () => {
      const { storage } = make()
      storage.append({ hardState: voted, truncateFrom: null, entries: commands(1, 3, 3) })
      const misuses: ReadonlyArray<() => unknown> = [
        () => storage.append(entriesOnly([command(5, 3)])),
        () => storage.append(entriesOnly([command(4, 3), command(6, 3)])),
        () => storage.append(entriesOnly([command(4, 2)])),
        () => storage.append({ hardState: null, truncateFrom: 2, entries: [command(3, 3)] }),
        () => storage.append({ hardState: { ...voted, term: 2 }, truncateFrom: null, entries: [] }),
        () => storage.append({ hardState: { ...voted, vote: "c" }, truncateFrom: null, entries: [] }),
        () => storage.append({ hardState: { ...voted, vote: null }, truncateFrom: null, entries: [] }),
        () => storage.entries(0, 1, 10),
        () => storage.entries(3, 4, 10),
        () => storage.compact(1),
        () => storage.restore()
      ]
      for (const misuse of misuses) assert.strictEqual(reasonOf(misuse), "Misuse")
      assert.deepStrictEqual(all(storage), commands(1, 3, 3))
      storage.append({ hardState: { term: 4, vote: null, commit: 2 }, truncateFrom: null, entries: [command(4, 4)] })
    })

    it("compacts up to the snapshot and keeps what follows", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 60, 2)))
      takeSnapshot(subject.storage, 50, 2)
      assert.strictEqual(
        reasonOf(() => subject.storage.compact(51)),
        "Misuse"
      )
      subject.storage.compact(50)
      assert.deepStrictEqual([subject.storage.firstIndex, subject.storage.lastIndex], [51, 60])
      assert.strictEqual(subject.storage.term(50), 2)
      assert.strictEqual(
        reasonOf(() => subject.storage.append({ hardState: null, truncateFrom: 50, entries: [] })),
        "Misuse"
      )
      const { storage } = subject.restart()
      assert.isAtMost(storage.firstIndex, 51)
      assert.deepStrictEqual(storage.entries(51, 60, 100_000), commands(51, 60, 2))
      assert.strictEqual(storage.snapshots.latest?.metadata.index, 50)
      storage.append(entriesOnly(commands(61, 70, 2)))
    })

    it("compacts the whole log away and goes on", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 30, 2)))
      const bytes = subject.storage.logBytes
      assert.isAtLeast(bytes, 30 * 24)
      takeSnapshot(subject.storage, 30, 2)
      subject.storage.compact(30)
      assert.isBelow(subject.storage.logBytes, bytes)
      assert.deepStrictEqual([subject.storage.lastIndex, subject.storage.lastTerm], [30, 2])
      subject.storage.append(entriesOnly(commands(31, 60, 3)))
      subject.storage.sync()
      const { storage } = subject.crash()
      assert.deepStrictEqual(storage.entries(31, 60, 100_000), commands(31, 60, 3))
    })

    it("lets a snapshot take the place of a log that is behind it", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 10, 1)))
      takeSnapshot(subject.storage, 40, 3)
      subject.storage.restore()
      for (const { storage } of [subject, subject.crash()]) {
        assert.deepStrictEqual([storage.firstIndex, storage.lastIndex, storage.lastTerm], [41, 40, 3])
        assert.strictEqual(storage.term(40), 3)
        assert.isNull(storage.term(10))
      }
    })

    it("lets a snapshot take the place of a log that contradicts it", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 50, 1)))
      takeSnapshot(subject.storage, 40, 3)
      subject.storage.restore()
      assert.deepStrictEqual([subject.storage.firstIndex, subject.storage.lastIndex], [41, 40])
      subject.storage.append(entriesOnly(commands(41, 45, 3)))
      assert.deepStrictEqual(all(subject.restart().storage), commands(41, 45, 3))
    })

    it("keeps the entries after a snapshot whose last entry it has", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 50, 3)))
      takeSnapshot(subject.storage, 40, 3)
      subject.storage.restore()
      assert.deepStrictEqual(subject.restart().storage.entries(41, 50, 100_000), commands(41, 50, 3))
    })

    it("restores a snapshot that a crash left between snapshot and log", () => {
      const subject = make()
      subject.storage.append(entriesOnly(commands(1, 10, 1)))
      subject.storage.sync()
      takeSnapshot(subject.storage, 40, 3)
      const { storage } = subject.crash()
      assert.deepStrictEqual([storage.firstIndex, storage.lastIndex, storage.lastTerm], [41, 40, 3])
      assert.strictEqual(storage.hardState.commit, 40)
    })

    it("goes on with an interrupted snapshot of the same content, after every chunk", () => {
      const bytes = content(9, 9, 200_000)
      const said = { bytes: bytes.length, checksum: crc32c(bytes) }
      const { storage } = make()
      let rounds = 0
      for (let isFinished = false; !isFinished; rounds++) {
        const writer = storage.snapshots.receive(snapshotAt(8, 2), said)
        const at = writer.received
        if (rounds > 0) assert.isAbove(at, 0)
        writer.write(at, bytes.subarray(at, at + 70_000))
        assert.strictEqual(
          reasonOf(() => writer.write(0, bytes)),
          "Misuse"
        )
        isFinished = writer.received === bytes.length
        if (isFinished) writer.finish()
      }
      assert.isAbove(rounds, 2)
      assert.deepStrictEqual(storage.snapshots.latest, { metadata: snapshotAt(8, 2), ...said })
      const read: Array<number> = []
      for (;;) {
        const chunk = storage.snapshots.read(8, read.length, 30_000)
        if (chunk === null || chunk.length === 0) break
        read.push(...chunk)
      }
      assert.isTrue(read.length === bytes.length && read.every((byte, i) => byte === bytes[i]))
      assert.isNull(storage.snapshots.read(7, 0, 10))
    })

    it("does not mix the content of two senders", () => {
      const { storage } = make()
      const first = content(1, 1, 150_000)
      const second = content(2, 2, 150_000)
      const writer = storage.snapshots.receive(snapshotAt(8, 2), { bytes: first.length, checksum: crc32c(first) })
      writer.write(0, first.subarray(0, 140_000))
      const other = storage.snapshots.receive(snapshotAt(8, 2), { bytes: second.length, checksum: crc32c(second) })
      assert.strictEqual(other.received, 0)
      other.write(0, second)
      assert.strictEqual(other.finish().checksum, crc32c(second))
    })

    it("refuses a snapshot that is not what the sender said, and stores on", () => {
      const { storage } = make()
      const bytes = content(1, 1, 150_000)
      const writer = storage.snapshots.receive(snapshotAt(8, 2), { bytes: bytes.length, checksum: 7 })
      writer.write(0, bytes)
      assert.strictEqual(
        reasonOf(() => writer.finish()),
        "Transfer"
      )
      assert.strictEqual(storage.snapshots.latest, null)
      takeSnapshot(storage, 9, 2)
      assert.strictEqual(
        reasonOf(() => takeSnapshot(storage, 9, 2)),
        "Misuse"
      )
      assert.strictEqual(storage.snapshots.latest?.metadata.index, 9)
    })

    it("acknowledges nothing after its first failure", () => {
      const subject = make()
      const { storage } = subject
      storage.append(entriesOnly(commands(1, 3, 1)))
      storage.sync()
      subject.failNextWrite()
      assert.throws(() => {
        storage.append(entriesOnly([command(4, 1)]))
        storage.sync()
      }, /EIO/)
      assert.strictEqual(
        reasonOf(() => storage.sync()),
        "Poisoned"
      )
      assert.strictEqual(
        reasonOf(() => storage.append(entriesOnly([command(4, 1)]))),
        "Poisoned"
      )
      assert.strictEqual(
        reasonOf(() => storage.snapshots.receive(snapshotAt(8, 2), null)),
        "Poisoned"
      )
      assert.strictEqual(
        reasonOf(() => storage.entries(1, 1, 1)),
        "Poisoned"
      )
    })
  })
}
