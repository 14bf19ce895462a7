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

  it("makes what it replaces count as not durable until it has ended", () => {
    const network = follower()
    assert.strictEqual(network.state("a").persisted, 3)
    const message = { ...append(2, [1, 1], [command(2, 2), command(3, 2)]), commit: 3 }
    const [waiting, ready] = step(network.state("a"), { _tag: "Receive", message })
    assert.deepStrictEqual([waiting.persisted, ready.committed.length], [1, 1])
    const [ended, after] = step(waiting, { _tag: "Persisted", sequence: ready.append?.sequence ?? 0 })
    assert.deepStrictEqual([ended.persisted, after.committed.length], [3, 2])
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
})

describe("while a snapshot takes the log's place", () => {
  /** A follower with two entries that were appended and told to be committed up to `commit`. */
  const installing = (commit: number) => {
    const { state } = new Network(["a", "b", "c"]).node("a")
    const [appended, { append: write }] = step(state, {
      _tag: "Receive",
      message: { ...append(1, [0, 0], [command(1, 1), command(2, 1)]), commit }
    })
    const metadata = { index: 9, term: 1, configuration: configuration(["a", "b", "c"]) }
    const snapshot = { metadata, bytes: 1, checksum: 0 }
    const chunk = { _tag: "SnapshotChunk", from: "b", to: "a", term: 1, snapshot, offset: 0 } as const
    const [receiving] = step(appended, { _tag: "Receive", message: { ...chunk, data: bytes("s") } })
    const [after, { snapshotInstall }] = step(receiving, { _tag: "SnapshotStored", id: "1-9-1-0", offset: 1 })
    assert.strictEqual(snapshotInstall, snapshot)
    return { before: appended, after, sequence: write?.sequence ?? 0, chunk: { ...chunk, data: bytes("s") } }
  }

  it("nothing is applied, though a write ends that was waited for", () => {
    const { before, after, sequence } = installing(2)
    assert.deepStrictEqual(step(after, { _tag: "Persisted", sequence })[1].committed, [])
    assert.lengthOf(step(before, { _tag: "Persisted", sequence })[1].committed, 2)
  })

  it("nothing is appended, and nothing acknowledged", () => {
    const { before, after } = installing(0)
    const message = append(1, [2, 1], [command(3, 1)])
    const [state, ready] = step(after, { _tag: "Receive", message })
    assert.strictEqual(state.log, after.log)
    assert.deepStrictEqual([ready.append, ready.messagesAfterPersist], [null, []])
    assert.lengthOf(step(before, { _tag: "Receive", message })[1].messagesAfterPersist, 1)
  })

  it("nothing is committed, and a heartbeat is answered all the same", () => {
    const { before, after } = installing(0)
    const message = { _tag: "Heartbeat", from: "b", to: "a", term: 1, commit: 2, round: 4 } as const
    const [state, ready] = step(after, { _tag: "Receive", message })
    assert.strictEqual(state.commit, 0)
    assert.deepInclude(ready.messages[0], { _tag: "HeartbeatResponse", round: 4 })
    assert.strictEqual(step(before, { _tag: "Receive", message })[0].commit, 2)
  })

  it("no other chunk is taken, and the doubled report of the last one installs nothing again", () => {
    const { after, chunk } = installing(0)
    const [state, ready] = step(after, { _tag: "Receive", message: chunk })
    assert.deepStrictEqual([state.incoming, ready.snapshotWrite, ready.messages], [after.incoming, null, []])
    const [again, { snapshotInstall }] = step(after, { _tag: "SnapshotStored", id: "1-9-1-0", offset: 1 })
    assert.deepStrictEqual([again.incoming, snapshotInstall], [after.incoming, null])
  })
})

describe("a heartbeat", () => {
  it("that says this node confirmed what it does not have stops it: its disk forgot (scenario 44)", () => {
    const network = new Network(["a", "b", "c"])
    network.receive(append(1, [0, 0], [command(1, 1), command(2, 1)]))
    const heartbeat = (commit: number) =>
      ({ _tag: "Heartbeat", from: "b", to: "a", term: 1, commit, round: 1 }) as const
    network.receive(heartbeat(2))
    assert.strictEqual(network.state("a").commit, 2)
    assert.throws(() => step(network.state("a"), { _tag: "Receive", message: heartbeat(3) }), /its disk lost/)
  })
})
