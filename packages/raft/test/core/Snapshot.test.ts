import { assert, describe, it } from "@effect/vitest"
import { defaultOptions } from "../../src/core/Options.ts"
import { initialHardState, initialState } from "../../src/core/State.ts"
import type { Recovered } from "../../src/core/State.ts"
import { snapshotId } from "../../src/core/Types.ts"
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
    network.run("c", { _tag: "SnapshotRefused", id: snapshotId(snapshot) })
    network.node("c").holdInstall = false
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

describe("a start", () => {
  const recovered: Recovered = {
    id: "a",
    options: defaultOptions,
    seed: 1,
    hardState: { ...initialHardState, term: 2 },
    snapshot: { metadata: { index: 5, term: 1, configuration: configuration(three) }, bytes: 1, checksum: 1 },
    base: { index: 5, term: 1 },
    entries: [{ kind: "Empty", term: 2, index: 6 }],
    bootstrap: null,
    applied: 5
  }

  it("takes the configuration from the snapshot", () => {
    const state = initialState(recovered)
    assert.deepStrictEqual(state.configurations, [{ index: 5, configuration: configuration(three) }])
    assert.strictEqual(state.commit, 5)
  })

  it("is refused when entries are missing, instead of inventing a state (scenario 31)", () => {
    const broken: ReadonlyArray<[change: Partial<Recovered>, reason: RegExp]> = [
      [{ base: { index: 7, term: 1 }, entries: [] }, /entries are missing/],
      [{ base: { index: 3, term: 1 }, entries: [] }, /reset the log to the snapshot/],
      [{ base: { index: 5, term: 9 } }, /different entries at 5/],
      [{ entries: [{ kind: "Empty", term: 2, index: 7 }] }, /entry 7 was appended where 6 belongs/],
      [{ applied: 8 }, /has applied 8, the log ends at 6/],
      [{ applied: 3 }, /has applied 3, the log starts after 5/]
    ]
    for (const [change, reason] of broken) assert.throws(() => initialState({ ...recovered, ...change }), reason)
  })

  it("is refused with settings that contradict each other", () => {
    const options = { ...defaultOptions, electionTicks: 2 }
    assert.throws(() => initialState({ ...recovered, options }), /electionTicks must be greater/)
  })
})
