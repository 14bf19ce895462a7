/** What is handed to the disk and to the state machine, and what they say back. */
import { assert, describe, it } from "@effect/vitest"
import { entryBytes } from "../../src/core/Log.ts"
import type { AppendRequest } from "../../src/core/Message.ts"
import { step } from "../../src/core/Step.ts"
import type { Entry } from "../../src/core/Types.ts"
import { bytes, configuration, Network } from "./Network.ts"

const command = (index: number, term: number, text = "x"): Entry => ({
  kind: "Command",
  index,
  term,
  data: bytes(text)
})
const append = (term: number, previous: readonly [index: number, term: number], entries: ReadonlyArray<Entry>) =>
  ({
    _tag: "AppendRequest",
    from: "b",
    to: "a",
    term,
    previousIndex: previous[0],
    previousTerm: previous[1],
    entries,
    commit: 0
  }) satisfies AppendRequest

describe("an append for the disk", () => {
  const follower = (): Network => {
    const network = new Network(["a", "b", "c"])
    network.receive(append(1, [0, 0], [command(1, 1), command(2, 1), command(3, 1)]))
    return network
  }

  it("says from where entries are dropped, also when it is the last one alone", () => {
    for (const [previous, expected] of [
      [2, 3],
      [1, 2],
      [0, 1]
    ] as const) {
      const network = follower()
      const message = append(2, [previous, previous === 0 ? 0 : 1], [command(previous + 1, 2)])
      const [, ready] = step(network.state("a"), { _tag: "Receive", message })
      assert.strictEqual(ready.append?.truncateFrom, expected)
      assert.deepStrictEqual(ready.append?.entries, [command(previous + 1, 2)])
    }
  })

  it("drops nothing when entries follow the last one", () => {
    const message = append(1, [3, 1], [command(4, 1)])
    const [, ready] = step(follower().state("a"), { _tag: "Receive", message })
    assert.strictEqual(ready.append?.truncateFrom, null)
  })
})

describe("what is applied", () => {
  const text = "x".repeat(68)
  const size = entryBytes(command(1, 1, text))

  /** Alone, its log opened and applied, five commands proposed: what is handed out without an answer. */
  const handedOut = (committedBytesMax: number): number => {
    const network = new Network(["a"], { committedBytesMax })
    network.elect("a")
    network.node("a").holdDisk = true
    for (let i = 0; i < 5; i++) network.propose("a", text)
    let { state } = network.node("a")
    let count = 0
    for (let sequence = state.sequence - 4; sequence <= network.state("a").sequence; sequence++) {
      const [next, ready] = step(state, { _tag: "Persisted", sequence })
      state = next
      count += ready.committed.length
    }
    return count
  }

  it("waits when as many bytes as may be are not applied yet, to the byte", () => {
    assert.deepStrictEqual([2 * size - 1, 2 * size, 2 * size + 1, 3 * size].map(handedOut), [2, 2, 3, 3])
  })

  it("never goes back, nor past what was handed out", () => {
    const network = new Network(["a"])
    network.elect("a")
    network.propose("a", "x", "y")
    const before = network.state("a")
    assert.strictEqual(before.applied, 3)
    assert.strictEqual(step(before, { _tag: "Applied", index: 2 })[0].applied, 3)
    assert.strictEqual(step(before, { _tag: "Applied", index: 9 })[0].applied, 3)
  })

  it("is what a snapshot may stand for, and nothing later", () => {
    const network = new Network(["a"])
    network.elect("a")
    network.propose("a", "x", "y")
    const snapshotAt = (index: number) =>
      ({
        _tag: "SnapshotTaken",
        snapshot: { metadata: { index, term: 1, configuration: configuration(["a"]) }, bytes: 1, checksum: 0 }
      }) as const
    assert.strictEqual(step(network.state("a"), snapshotAt(4))[0].snapshot, null)
    const [second] = step(network.state("a"), snapshotAt(2))
    assert.strictEqual(second.snapshot?.metadata.index, 2)
    assert.strictEqual(step(second, snapshotAt(1))[0].snapshot?.metadata.index, 2)
    assert.strictEqual(step(second, snapshotAt(3))[0].snapshot?.metadata.index, 3)
  })

  it("is nothing while a snapshot takes the log's place, though a write ends that was waited for", () => {
    const network = new Network(["a", "b", "c"])
    const { state } = network.node("a")
    const [appended, { append: write }] = step(state, {
      _tag: "Receive",
      message: { ...append(1, [0, 0], [command(1, 1), command(2, 1)]), commit: 2 }
    })
    const metadata = { index: 9, term: 1, configuration: configuration(["a", "b", "c"]) }
    const snapshot = { metadata, bytes: 1, checksum: 0 }
    const chunk = { _tag: "SnapshotChunk", from: "b", to: "a", term: 1, snapshot, offset: 0 } as const
    const [receiving] = step(appended, { _tag: "Receive", message: { ...chunk, data: bytes("s") } })
    const [installing, { snapshotInstall }] = step(receiving, { _tag: "SnapshotStored", id: "1-9-1-0", offset: 1 })
    assert.strictEqual(snapshotInstall, snapshot)
    const persisted = { _tag: "Persisted", sequence: write?.sequence ?? 0 } as const
    assert.deepStrictEqual(step(installing, persisted)[1].committed, [])
    assert.lengthOf(step(appended, persisted)[1].committed, 2)
  })
})
