/** A storage directory in which a file is missing, or which somebody else holds; and the real file system below it all. */
import { assert, describe, it } from "@effect/vitest"
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"
import { SimulatedDisk } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { StorageError } from "@nxmesh/raft/storage/StorageError"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { command, commands, content, entriesOnly, snapshotAt, tinyLog } from "./Samples.ts"

const directory = "/raft"
const open = (disk: SimulatedDisk): DiskStorage => DiskStorage.open(disk, directory, tinyLog)

const used = (): SimulatedDisk => {
  const disk = new SimulatedDisk()
  const storage = open(disk)
  storage.append({ hardState: { term: 1, vote: "a", commit: 0 }, truncateFrom: null, entries: commands(1, 100, 1) })
  storage.close()
  return disk
}

const reasonOf = (operation: () => unknown): string => {
  try {
    operation()
  } catch (cause) {
    assert.instanceOf(cause, StorageError)
    return cause.reason
  }
  return "none"
}

describe("a storage directory", () => {
  it("without its hard state is refused once anything was stored", () => {
    const disk = used()
    disk.remove(`${directory}/hardstate`)
    assert.strictEqual(
      reasonOf(() => open(disk)),
      "Missing"
    )
  })

  it("without any log file is refused", () => {
    const disk = used()
    for (const name of disk.list(directory)) if (name.endsWith(".segment")) disk.remove(`${directory}/${name}`)
    assert.strictEqual(
      reasonOf(() => open(disk)),
      "Missing"
    )
  })

  it("without a log file in the middle is refused, and the message names the file", () => {
    const disk = used()
    disk.remove(`${directory}/log-0000000003.segment`)
    assert.throws(() => open(disk), /log-0000000003\.segment: this log file is missing/)
  })

  it("without its oldest log file is refused when no snapshot covers it", () => {
    const disk = used()
    disk.remove(`${directory}/log-0000000001.segment`)
    assert.strictEqual(
      reasonOf(() => open(disk)),
      "Gap"
    )
  })

  it("without its newest log file is refused", () => {
    const disk = used()
    const newest = disk.list(directory).findLast((name) => name.endsWith(".segment"))
    disk.remove(`${directory}/${newest}`)
    assert.throws(() => open(disk), /this log file, the newest, is missing/)
  })

  it("is held by one at a time", () => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    assert.strictEqual(
      reasonOf(() => open(disk)),
      "Locked"
    )
    storage.close()
    open(disk).close()
  })

  it("is released when it could not be opened", () => {
    const disk = used()
    const whole = disk.copy()
    disk.remove(`${directory}/hardstate`)
    assert.strictEqual(
      reasonOf(() => open(disk)),
      "Missing"
    )
    assert.strictEqual(
      reasonOf(() => open(disk)),
      "Missing"
    )
    open(whole).close()
  })

  it("keeps a bounded number of files while it is compacted", () => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    for (let index = 1; index <= 1_000; index += 10) {
      storage.append(entriesOnly(commands(index, index + 9, 1)))
      storage.sync()
      const writer = storage.snapshots.receive(snapshotAt(index + 9, 1), null)
      writer.write(0, content(index, 1))
      writer.finish()
      storage.compact(index + 9)
      assert.isAtMost(disk.list(directory).length, 6)
    }
    assert.isAbove(storage.segments.at(-1) ?? 0, 30, "ids are not used twice")
  })
})

describe("a large snapshot", () => {
  it("is flushed while it arrives, so that its last flush is short", () => {
    const disk = new SimulatedDisk()
    const writer = open(disk).snapshots.receive(snapshotAt(9, 1), null)
    const before = disk.history.filter((operation) => operation === "sync").length
    for (let chunk = 0; chunk < 17; chunk++) writer.write(chunk * 1_048_576, new Uint8Array(1_048_576))
    assert.strictEqual(disk.history.filter((operation) => operation === "sync").length - before, 2)
    assert.strictEqual(writer.finish().bytes, 17 * 1_048_576)
  })
})

const withRealDirectory = async (use: (path: string) => Promise<void> | void): Promise<void> => {
  const path = mkdtempSync(join(tmpdir(), "raft-storage-"))
  try {
    await use(join(path, "raft"))
  } finally {
    rmSync(path, { recursive: true })
  }
}

describe("a storage on real files", () => {
  it("gives back what was stored, for the owner only", () =>
    withRealDirectory((path) => {
      const entries = [...commands(1, 500, 1, 300), command(501, 2, 40_000)]
      const first = DiskStorage.open(nodeFileSystem, path, tinyLog)
      first.append({ hardState: { term: 2, vote: "a", commit: 4 }, truncateFrom: null, entries })
      first.sync()
      assert.deepStrictEqual(first.entries(1, 501, 1_000_000), entries)
      const writer = first.snapshots.receive(snapshotAt(400, 1), null)
      writer.write(0, content(1, 1, 200_000))
      writer.finish()
      first.compact(400)
      assert.strictEqual(
        reasonOf(() => DiskStorage.open(nodeFileSystem, path, tinyLog)),
        "Locked"
      )
      first.close()
      for (const name of readdirSync(path)) {
        if (name !== "lock") assert.strictEqual(statSync(join(path, name)).mode & 0o077, 0, name)
      }
      const second = DiskStorage.open(nodeFileSystem, path, tinyLog)
      assert.deepStrictEqual(second.entries(401, 501, 1_000_000), entries.slice(400))
      assert.deepStrictEqual(second.hardState, { term: 2, vote: "a", commit: 400 })
      assert.deepStrictEqual(second.snapshots.read(400, 199_990, 100), content(1, 1, 200_000).subarray(199_990))
      second.close()
    }))

  it("is let go when its process is killed, with all that was synced", { timeout: 20_000 }, () =>
    withRealDirectory(async (path) => {
      const child = spawn(process.execPath, [fileURLToPath(new URL("StoreUntilKilled.ts", import.meta.url)), path], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const exited = once(child, "exit")
      let synced = 0
      for await (const chunk of child.stdout) {
        const lines = String(chunk).trim().split("\n")
        synced = Number(lines.at(-1))
        if (synced > 200) break
      }
      child.kill("SIGKILL")
      await exited
      const storage = DiskStorage.open(nodeFileSystem, path, tinyLog)
      assert.isAtLeast(storage.lastIndex, synced)
      assert.deepStrictEqual(storage.entries(1, synced, 10_000_000), commands(1, synced, 1, 200))
      storage.close()
    })
  )
})
