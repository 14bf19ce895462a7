import { assert, describe, it } from "@effect/vitest"
import type { Input } from "@nxmesh/raft/core/Input"
import { SnapshotReceiving } from "@nxmesh/raft/node/SnapshotReceiving"
import { MemoryNodeStorage } from "./MemoryNodeStorage.ts"

const configuration = { voters: ["a"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
const snapshot = { metadata: { index: 7, term: 1, configuration }, bytes: 20, checksum: 1 }
const chunk = (offset: number) => ({ snapshot, offset, data: new Uint8Array(10) })

const receiving = () => {
  const disk = new MemoryNodeStorage()
  const storage = disk.open({ durable: () => undefined, failed: () => undefined })
  const fed: Array<Input> = []
  const parts = new SnapshotReceiving({
    storage,
    host: () => undefined,
    feed: (input) => void fed.push(input),
    giveWay: () => undefined,
    afterApplying: (action) => action(),
    failed: (cause) => {
      throw cause
    }
  })
  return { disk, fed, parts, storage }
}

describe("a snapshot that arrives", () => {
  it("begins again in storage after another one took its place there", () => {
    const { disk, fed, parts, storage } = receiving()
    parts.write(chunk(0))
    disk.run()
    parts.giveWay()
    storage.receiveSnapshot({ ...snapshot.metadata, index: 5 }, null, () => undefined)
    disk.run()
    parts.write(chunk(0))
    disk.run()
    assert.deepStrictEqual(disk.done, ["receive", "write", "receive", "receive", "write"])
    assert.deepStrictEqual(
      fed.map((input) => (input._tag === "SnapshotStored" ? input.offset : null)),
      [10, 10]
    )
  })

  it("goes on where storage stands, whatever the leader sends", () => {
    const { disk, fed, parts } = receiving()
    parts.write(chunk(0))
    disk.run()
    parts.write(chunk(0))
    disk.run()
    parts.write(chunk(10))
    disk.run()
    assert.deepStrictEqual(disk.done, ["receive", "write", "write"])
    assert.deepStrictEqual(
      fed.map((input) => (input._tag === "SnapshotStored" ? input.offset : null)),
      [10, 10, 20]
    )
  })
})
