/**
 * Goal: bytes that were durable once and are no longer what was written are never taken for a torn tail, an empty state
 * or another entry. Method: a directory in which everything is synced is damaged in every way that one fault can; what
 * opens must be the same as before, and all else must stop with a message that says where.
 */
import { assert, describe, it } from "@effect/vitest"
import { DiskStorage } from "@nxmesh/raft/storage/DiskStorage"
import { SimulatedDisk } from "@nxmesh/raft/storage/file/SimulatedDisk"
import { StorageError } from "@nxmesh/raft/storage/StorageError"
import { healthyRun } from "./CrashHarness.ts"
import { command, commands, content, entriesOnly, snapshotAt, tinyLog } from "./Samples.ts"
import { describeStorage } from "./Workload.ts"

const directory = "/raft"
const open = (disk: SimulatedDisk): DiskStorage => DiskStorage.open(disk, directory, tinyLog)
const describeAll = (storage: DiskStorage): string =>
  describeStorage(storage, (storage.snapshots.latest?.metadata.index ?? 0) + 1)

/** After the whole workload, with the process killed: everything in it was acknowledged. */
const healthy = (): SimulatedDisk => {
  const { disk } = healthyRun(open)
  disk.kill()
  return disk
}

const original = healthy()
const expected = describeAll(open(original.copy()))
const files = original.list(directory).map((name) => `${directory}/${name}`)

/** What a damaged disk does: nothing, as if it were whole; or it stops. */
const outcome = (disk: SimulatedDisk): "same" | StorageError => {
  try {
    const found = describeAll(open(disk))
    assert.strictEqual(found, expected)
    return "same"
  } catch (cause) {
    if (cause instanceof StorageError) return cause
    throw cause
  }
}

describe("one damaged byte", () => {
  for (const path of files) {
    it(`in ${path} is noticed, or changes nothing`, () => {
      const size = original.content(path).length
      const step = size > 20_000 ? 97 : 5
      const reasons = new Set<string>()
      for (let offset = 0; offset < size; offset += step) {
        const disk = original.copy()
        disk.damage(path, offset, (bytes) => {
          bytes[0] = (bytes[0] ?? 0) ^ (1 << (offset & 7))
        })
        const found = outcome(disk)
        reasons.add(found === "same" ? "same" : found.reason)
        if (found !== "same") assert.include(found.message, `${directory}/`)
      }
      if (path.endsWith("mark"))
        assert.deepStrictEqual([...reasons], ["same"], "it proves less, and claims nothing else")
      else if (path.endsWith("hardstate")) assert.deepStrictEqual([...reasons], ["same"], "there is a second copy")
      else assert.isTrue(reasons.has("Damaged"))
    })
  }
})

describe("a sector", () => {
  const logs = files.filter((path) => path.endsWith(".segment"))
  const sectors = logs.flatMap((path) =>
    Array.from({ length: Math.floor(original.content(path).length / 512) }, (_, i) => ({ path, offset: i * 512 }))
  )

  it("that the disk wrote to another place is refused in both", () => {
    let refused = 0
    for (const from of sectors) {
      for (const to of sectors) {
        const disk = original.copy()
        const moved = disk.content(from.path).slice(from.offset, from.offset + 512)
        disk.damage(to.path, to.offset, (bytes) => bytes.set(moved))
        if (outcome(disk) !== "same") refused += 1
      }
    }
    assert.isAbove(refused, sectors.length)
  })

  it("that comes back as zeros is noticed", () => {
    for (const { offset, path } of sectors) {
      const disk = original.copy()
      const isUsed = disk
        .content(path)
        .subarray(offset, offset + 512)
        .some((byte) => byte !== 0)
      disk.damage(path, offset, (bytes) => bytes.fill(0, 0, 512))
      if (isUsed) assert.notStrictEqual(outcome(disk), "same", `${path} ${offset}`)
    }
  })

  it("that comes back as it was before is refused", () => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    storage.append(entriesOnly(commands(1, 8, 1, 60)))
    storage.sync()
    const path = `${directory}/log-0000000001.segment`
    const old = disk.content(path).slice(512, 1_024)
    storage.append(entriesOnly(commands(6, 9, 2, 60)))
    storage.sync()
    disk.damage(path, 512, (bytes) => bytes.set(old))
    disk.kill()
    assert.throws(() => open(disk), /damaged/)
  })
})

describe("the message about damage", () => {
  it("says which file, which offset, and what the operator can do", () => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    storage.append(entriesOnly(commands(1, 5, 1)))
    storage.sync()
    storage.append(entriesOnly(commands(6, 7, 1)))
    storage.sync()
    disk.damage(`${directory}/log-0000000001.segment`, 150, (bytes) => bytes.fill(7, 0, 4))
    disk.kill()
    try {
      open(disk)
      assert.fail("it opened")
    } catch (cause) {
      assert.instanceOf(cause, StorageError)
      assert.strictEqual(cause.reason, "Damaged")
      assert.match(
        cause.message,
        /^\/raft\/log-0000000001\.segment, offset 112: .*was written after it had been flushed/
      )
      assert.match(cause.message, /remove this node, empty its data directory and let it join as a new node/)
    }
  })

  it("comes also when an entry is damaged while the node runs", () => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    storage.append(entriesOnly(commands(1, 5, 1)))
    storage.sync()
    disk.damage(`${directory}/log-0000000001.segment`, 150, (bytes) => bytes.fill(7, 0, 4))
    assert.throws(() => storage.entries(1, 5, 10_000), /index 2 cannot be read back/)
    assert.throws(() => storage.append(entriesOnly([command(6, 1)])), /nothing more is stored/)
  })
})

describe("a torn tail", () => {
  it("is cut, and reported", () => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    storage.append(entriesOnly(commands(1, 3, 1)))
    storage.sync()
    storage.append(entriesOnly(commands(4, 20, 1)))
    assert.throws(() => {
      disk.failAt({ operation: disk.operations + 3, kind: "cut" })
      storage.sync()
    })
    disk.restart({ kind: "garbled", survives: () => false, noise: () => 7 })
    const recovered = open(disk)
    assert.strictEqual(recovered.lastIndex, 3)
    assert.match(recovered.report.torn?.file ?? "", /log-0000000001\.segment$/)
    recovered.close()
    assert.strictEqual(open(disk).report.torn, null)
  })
})

describe("a damaged snapshot", () => {
  const withSnapshot = (): SimulatedDisk => {
    const disk = new SimulatedDisk()
    const storage = open(disk)
    storage.append(entriesOnly(commands(1, 40, 1)))
    const writer = storage.snapshots.receive(snapshotAt(30, 1), null)
    writer.write(0, content(1, 1, 100_000))
    writer.finish()
    storage.compact(30)
    storage.close()
    return disk
  }

  it("is never an empty state", () => {
    const disk = withSnapshot()
    const path = `${directory}/${disk.list(directory).find((name) => name.endsWith(".snapshot"))}`
    for (const offset of [0, 9, 20, 4_096 + 3, 8_192 + 100, 8_192 + 66_000]) {
      const damaged = disk.copy()
      damaged.damage(path, offset, (bytes) => void (bytes[0] = (bytes[0] ?? 0) ^ 1))
      assert.throws(() => open(damaged), /of this snapshot is damaged/, `offset ${offset}`)
    }
  })

  it("is noticed when it is read, too", () => {
    const disk = withSnapshot()
    const storage = open(disk)
    const path = `${directory}/${disk.list(directory).find((name) => name.endsWith(".snapshot"))}`
    disk.damage(path, 8_192 + 100, (bytes) => void (bytes[0] = (bytes[0] ?? 0) ^ 1))
    assert.throws(() => storage.snapshots.read(30, 0, 100), /block 0 of this snapshot is damaged/)
  })

  it("that is gone leaves a gap, which stops the node", () => {
    const disk = withSnapshot()
    for (const name of disk.list(directory)) if (name.endsWith(".snapshot")) disk.remove(`${directory}/${name}`)
    assert.throws(() => open(disk), /the log begins with index \d+, and there is no snapshot/)
  })
})
