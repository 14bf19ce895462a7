import { assert, describe, it } from "@effect/vitest"
import type { Input } from "../../src/core/Input.ts"
import type { Message, SnapshotChunk } from "../../src/core/Message.ts"
import { defaultOptions } from "../../src/core/Options.ts"
import type { State } from "../../src/core/State.ts"
import type { Ready } from "../../src/core/Ready.ts"
import { step } from "../../src/core/Step.ts"
import { snapshotId } from "../../src/core/Types.ts"
import type { Entry } from "../../src/core/Types.ts"
import { configuration, Network } from "./Network.ts"

const three = ["a", "b", "c"]

/** A leader whose log no longer reaches back to what `c` lacks. */
const behind = (chunkBytes = 8): Network => {
  const network = new Network(three, { snapshotChunkBytes: chunkBytes })
  network.elect("a")
  network.tick(2)
  network.partition(["a", "b"], ["c"])
  for (let i = 0; i < 10; i++) network.propose("a", `v${i}`)
  network.compact("a")
  return network
}

const assertCaughtUp = (network: Network): void => {
  network.tick(30)
  network.propose("a", "last")
  network.tick(3)
  assert.deepStrictEqual(network.node("c").applied, network.node("a").applied)
  assert.strictEqual(network.state("a").progress.get("c")?.mode, "Replicate")
}

describe("a follower that needs what is compacted", () => {
  it("gets a snapshot in chunks, then the log from there (scenario 17)", () => {
    const network = behind()
    network.heal()
    network.tick(4)
    assert.lengthOf(network.node("c").installs, 1)
    assert.isAbove(network.sent.filter(({ _tag }) => _tag === "SnapshotChunk").length, 3)
    assertCaughtUp(network)
  })

  it("gets it also when every single chunk, or its answer, is lost once (scenario 27)", () => {
    for (const tag of ["SnapshotChunk", "SnapshotResponse"] as const) {
      const network = behind()
      const lost = new Set<number>()
      network.filter = (message) => {
        if (message._tag !== tag || lost.has(message.offset)) return true
        lost.add(message.offset)
        return false
      }
      network.tick(20 * defaultOptions.electionTicks)
      assertCaughtUp(network)
      assert.isAbove(lost.size, 3)
    }
  })

  it("resumes where an interrupted transfer stopped (scenario 27)", () => {
    const network = behind()
    let chunks = 0
    network.filter = ({ _tag }) => _tag !== "SnapshotChunk" || ++chunks <= 2
    network.tick(3)
    network.run("a", { _tag: "SnapshotReport", peer: "c", ok: false })
    network.heal()
    network.sent.length = 0
    network.tick(4)
    const offsets = network.sent.flatMap((message) => (message._tag === "SnapshotChunk" ? [message.offset] : []))
    assert.isAtLeast(offsets[0] ?? 0, 8)
    assertCaughtUp(network)
  })

  it("asks again from the start when the whole was damaged (scenario 27)", () => {
    const network = behind()
    network.node("c").holdInstall = true
    network.heal()
    network.tick(4)
    const [snapshot] = network.node("c").installs
    if (snapshot === undefined) assert.fail("no snapshot came")
    network.sent.length = 0
    network.run("c", { _tag: "SnapshotRefused", id: snapshotId(snapshot) })
    assert.deepInclude(network.sent[0], { _tag: "SnapshotResponse", to: "a", failed: true })
    assert.strictEqual(network.state("a").progress.get("c")?.transmission, null)
    network.node("c").holdInstall = false
    network.tick(4)
    const offsets = network.sent.flatMap((message) => (message._tag === "SnapshotChunk" ? [message.offset] : []))
    assert.strictEqual(offsets[0], 0)
    assertCaughtUp(network)
  })

  it("ignores what belongs to another snapshot (scenario 27)", () => {
    const network = behind()
    network.node("c").holdInstall = true
    network.heal()
    network.tick(4)
    network.run("c", { _tag: "SnapshotInstalled", id: "another" })
    network.run("c", { _tag: "SnapshotStored", id: "another", offset: 3 })
    assert.isTrue(network.state("c").incoming?.isInstalling)
    network.install("c")
    assertCaughtUp(network)
  })

  it("gets entries again from where its own log stands, if that is further (scenario 28)", () => {
    const network = behind(1_000)
    network.node("c").holdInstall = true
    network.heal()
    network.tick(4)
    network.install("c")
    // An old chunk arrives after the log has gone on.
    const chunk = network.sent.find(({ _tag }) => _tag === "SnapshotChunk")
    if (chunk === undefined) assert.fail("no chunk was sent")
    network.propose("a", "more")
    network.tick(2)
    const { log } = network.state("c")
    network.receive(chunk)
    network.deliver()
    assert.strictEqual(network.state("c").log, log)
    assertCaughtUp(network)
  })

  it("finishes one before it looks at the next (scenario 29)", () => {
    const network = behind(1_000)
    network.node("c").holdInstall = true
    network.heal()
    network.tick(4)
    network.propose("a", "more")
    network.compact("a")
    network.run("a", { _tag: "SnapshotReport", peer: "c", ok: false })
    network.tick(30)
    assert.lengthOf(network.node("c").installs, 1)
    network.node("c").holdInstall = false
    network.install("c")
    network.tick(30)
    assertCaughtUp(network)
  })

  it("applies, accepts and campaigns for nothing while one is installed", () => {
    const network = behind(1_000)
    network.node("c").holdInstall = true
    network.heal()
    network.tick(4)
    network.propose("a", "more")
    const { log, commit } = network.state("c")
    network.run("c", { _tag: "Campaign" })
    assert.strictEqual(network.state("c").log, log)
    assert.deepStrictEqual([network.state("c").commit, network.state("c").role], [commit, "Follower"])
    network.install("c")
    assertCaughtUp(network)
  })

  it("keeps its own log where that has the snapshot's last entry", () => {
    const network = behind()
    network.heal()
    network.tick(10)
    network.compact("a")
    const { snapshot, term } = network.state("a")
    if (snapshot === null) assert.fail("no snapshot")
    const before = network.state("c")
    network.receive({ _tag: "SnapshotChunk", from: "a", to: "c", term, snapshot, offset: 0, data: new Uint8Array(1) })
    assert.strictEqual(network.state("c").log, before.log)
    assert.strictEqual(network.state("c").incoming, null)
  })
})

describe("a snapshot that arrives", () => {
  const snapshotAt = (index: number) => ({
    metadata: { index, term: 1, configuration: configuration(three) },
    bytes: 4,
    checksum: 0
  })
  const id = (index: number): string => snapshotId(snapshotAt(index))
  const receive = (state: State, message: Message): readonly [State, Ready] => step(state, { _tag: "Receive", message })
  const chunk = (index: number, offset: number, length: number): SnapshotChunk => ({
    _tag: "SnapshotChunk",
    from: "b",
    to: "a",
    term: 1,
    snapshot: snapshotAt(index),
    offset,
    data: new Uint8Array(length)
  })
  const entries = (from: number, to: number): ReadonlyArray<Entry> =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ kind: "Empty", term: 1, index: from + i }))
  const append = (from: number, to: number, commit: number): Message => ({
    _tag: "AppendRequest",
    from: "b",
    to: "a",
    term: 1,
    previousIndex: from - 1,
    previousTerm: from === 1 ? 0 : 1,
    entries: entries(from, to),
    commit
  })
  const fresh = (): State => new Network(three).state("a")

  it("takes one chunk at a time: one that comes while another is written is dropped", () => {
    const [writing, first] = receive(fresh(), chunk(9, 0, 2))
    assert.strictEqual(first.snapshotWrite?.offset, 0)
    const [after, second] = receive(writing, chunk(9, 0, 2))
    assert.deepStrictEqual([second.snapshotWrite, second.messages, after.incoming], [null, [], writing.incoming])
  })

  it("takes no chunk that does not fit, and says where it stands", () => {
    for (const [offset, length] of [
      [0, 5],
      [1, 2],
      [0, 0]
    ] as const) {
      const [, ready] = receive(fresh(), chunk(9, offset, length))
      assert.strictEqual(ready.snapshotWrite, null)
      assert.deepInclude(ready.messages[0], { _tag: "SnapshotResponse", offset: 0, failed: false })
    }
  })

  it("is given up when the log has come as far by itself, though it was compacted meanwhile", () => {
    const [writing] = receive(fresh(), chunk(2, 0, 4))
    const [appended, { append: write }] = receive(writing, append(1, 4, 4))
    const [persisted] = step(appended, { _tag: "Persisted", sequence: write?.sequence ?? 0 })
    const [applied] = step(persisted, { _tag: "Applied", index: 4 })
    const [taken] = step(applied, { _tag: "SnapshotTaken", snapshot: snapshotAt(4) })
    const [compacted] = step(taken, { _tag: "Compact", index: 4 })
    assert.deepStrictEqual([compacted.log.baseIndex, compacted.incoming?.isWriting], [4, true])
    const [after, ready] = step(compacted, { _tag: "SnapshotStored", id: id(2), offset: 4 })
    assert.deepStrictEqual([after.incoming, ready.snapshotInstall], [null, null])
  })

  it("is given up by who leads before it is whole", () => {
    const [writing] = receive(fresh(), chunk(9, 0, 4))
    const [candidate, { append: write }] = receive(writing, { _tag: "TimeoutNow", from: "b", to: "a", term: 1 })
    const [voted] = step(candidate, { _tag: "Persisted", sequence: write?.sequence ?? 0 })
    const [leader] = receive(voted, { _tag: "VoteResponse", from: "c", to: "a", term: 2, granted: true })
    assert.strictEqual(leader.role, "Leader")
    const [after, ready] = step(leader, { _tag: "SnapshotStored", id: id(9), offset: 4 })
    assert.deepStrictEqual([after.incoming, ready.snapshotInstall], [null, null])
  })

  it("makes nothing durable past itself when a write from before ends late", () => {
    const [appended, { append: write }] = receive(fresh(), append(1, 6, 0))
    // Another leader's snapshot: entry 3 is another there.
    const other = { ...chunk(3, 0, 4), term: 2, from: "c", snapshot: { ...snapshotAt(3), checksum: 1 } }
    const metadata = { ...other.snapshot.metadata, term: 2 }
    const snapshot = { ...other.snapshot, metadata }
    const [writing] = receive(appended, { ...other, snapshot })
    const [installing] = step(writing, { _tag: "SnapshotStored", id: snapshotId(snapshot), offset: 4 })
    const [installed] = step(installing, { _tag: "SnapshotInstalled", id: snapshotId(snapshot) })
    assert.deepStrictEqual([installed.persisted, installed.commit], [3, 3])
    assert.strictEqual(step(installed, { _tag: "Persisted", sequence: write?.sequence ?? 0 })[0].persisted, 3)
  })
})

describe("a snapshot that is sent", () => {
  const chunksTo = (network: Network, to: string): ReadonlyArray<number> =>
    network.sent.flatMap((message) => (message._tag === "SnapshotChunk" && message.to === to ? [message.offset] : []))

  it("waits until the follower is there to receive it", () => {
    const network = behind()
    network.tick(2 * defaultOptions.electionTicks, ["a", "b"])
    assert.strictEqual(network.state("a").progress.get("c")?.isActive, false)
    network.run("a", { _tag: "Unreachable", peer: "c" })
    network.tick(2 * defaultOptions.electionTicks, ["a", "b"])
    assert.strictEqual(network.state("a").progress.get("c")?.mode, "Probe")
    assert.deepStrictEqual(chunksTo(network, "c"), [])
    network.heal()
    network.tick(4)
    assert.isAbove(chunksTo(network, "c").length, 0)
  })

  it("goes on where it is when the follower acknowledges entries that are compacted here", () => {
    const network = behind()
    let chunks = 0
    network.filter = ({ _tag }) => _tag !== "SnapshotChunk" || ++chunks <= 2
    network.tick(3)
    const before = network.state("a").progress.get("c")
    assert.isAbove(before?.transmission?.offset ?? 0, 0)
    network.receive({ _tag: "AppendAccepted", from: "c", to: "a", term: network.state("a").term, index: 2 })
    const after = network.state("a").progress.get("c")
    assert.deepStrictEqual([after?.mode, after?.match, after?.transmission], ["Snapshot", 2, before?.transmission])
  })

  it("is read to its last byte and no further", () => {
    const network = behind(8)
    const bytes = network.state("a").snapshot?.bytes ?? 0
    assert.notStrictEqual(bytes % 8, 0)
    let { state } = network.node("a")
    const ends: Array<number> = []
    const next = (input: Input): void => {
      const [after, ready] = step(state, input)
      state = after
      ends.push(...ready.snapshotReads.map(({ offset, length }) => offset + length))
    }
    const answer = { from: "c", to: "a", term: state.term } as const
    next({ _tag: "Receive", message: { ...answer, _tag: "AppendRejected", index: 11, hintIndex: 1, hintTerm: 1 } })
    const id = state.snapshot === null ? "" : snapshotId(state.snapshot)
    while ((ends.at(-1) ?? bytes) < bytes && ends.length < 99) {
      const offset = ends.at(-1) ?? 0
      next({ _tag: "Receive", message: { ...answer, _tag: "SnapshotResponse", id, offset, failed: false } })
    }
    assert.deepStrictEqual(
      ends,
      Array.from({ length: Math.ceil(bytes / 8) }, (_, i) => Math.min(bytes, 8 * (i + 1)))
    )
  })

  it("is not sent twice because an answer was doubled", () => {
    const network = behind()
    network.heal()
    const doubled = network.receive.bind(network)
    network.receive = (message) => {
      doubled(message)
      if (message._tag === "SnapshotResponse") doubled(message)
    }
    network.tick(8)
    const offsets = chunksTo(network, "c")
    assert.isAbove(offsets.length, 3)
    assert.strictEqual(new Set(offsets).size, offsets.length)
  })

  it("gives way to a newer one when the log has been compacted past it", () => {
    const network = behind(1_000)
    network.filter = ({ _tag }) => _tag !== "SnapshotChunk"
    network.tick(3)
    const first = network.state("a").progress.get("c")?.transmission?.snapshot.metadata.index ?? 0
    network.propose("a", "x", "y")
    network.compact("a")
    network.tick(3)
    assert.isAbove(network.state("a").progress.get("c")?.transmission?.snapshot.metadata.index ?? 0, first)
    network.heal()
    network.tick(2 * defaultOptions.electionTicks)
    assertCaughtUp(network)
  })
})

describe("compaction", () => {
  it("never goes past the snapshot, nor past what is applied", () => {
    const network = new Network(["a"])
    network.elect("a")
    network.propose("a", "x", "y")
    network.run("a", { _tag: "Compact", index: 3 })
    assert.strictEqual(network.state("a").log.baseIndex, 0)
    network.compact("a")
    network.run("a", { _tag: "Compact", index: 99 })
    assert.strictEqual(network.state("a").log.baseIndex, 3)
  })

  it("leaves configurations in the snapshot as they were at its index (scenario 33)", () => {
    const network = new Network(three)
    network.add("d", null)
    network.elect("a")
    network.propose("a", "x")
    network.partition(["a"], ["b"], ["c"], ["d"])
    network.change("a", [...three, "d"])
    assert.deepStrictEqual(network.voters("a"), [...three, "d"])
    network.compact("a")
    assert.deepStrictEqual(network.state("a").snapshot?.metadata.configuration.voters, three)
  })
})
