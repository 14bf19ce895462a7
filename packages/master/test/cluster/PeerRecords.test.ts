/** What a leader remembers of its peers between two statuses. */
import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/raft/node/Status"
import { aliveMasters, noRecords, observe, type PeerRecords, silentMillis } from "../../src/cluster/PeerRecords.ts"
import { aloneStatus, peerStatus } from "./FakeNode.ts"

const b = "b" as MasterId
const leading = (peers: ReadonlyArray<PeerStatus>, term = 1) => ({ ...aloneStatus, term, peers })

/** Records after these statuses of peer `b`, one a second. */
const after = (...peers: ReadonlyArray<Partial<PeerStatus>>): PeerRecords =>
  peers.reduce<PeerRecords>(
    (records, facts, second) => observe(records, leading([peerStatus("b", facts)]), second * 1_000),
    noRecords
  )
const isAlive = (records: PeerRecords, nowMillis: number) => aliveMasters("a" as MasterId, records, nowMillis).has(b)

describe("a leader's records of its peers", () => {
  it("do not take Raft's first word for a voter's being alive", () => {
    assert.isFalse(isAlive(after({ isActive: true }), 0))
    assert.isTrue(isAlive(after({ isActive: true }, { isActive: true }), 1_000))
  })

  it("take progress for it at once", () => {
    const first = observe(noRecords, leading([peerStatus("b", { match: 1, isActive: false })]), 0)
    assert.isTrue(isAlive(observe(first, leading([peerStatus("b", { match: 2, isActive: false })]), 10), 10))
  })

  it("let one be silent for a while before it is not counted on", () => {
    const records = after({}, {}, { isActive: false }, { isActive: false })
    assert.isTrue(isAlive(records, 5_999))
    assert.isFalse(isAlive(records, 6_000))
    assert.strictEqual(records.peers.get(b)?.activeAtMillis, 1_000)
  })

  it("count the silence of one that was never heard from when the leader began", () => {
    const record = after({ isActive: false }, { isActive: false }).peers.get(b)
    assert.strictEqual(record === undefined ? 0 : silentMillis(record, 9_000), 9_000)
  })

  it("say since when a learner has caught up, without a gap", () => {
    const since = (...verdicts: ReadonlyArray<PeerStatus["catchUp"]>) =>
      after(...verdicts.map((catchUp) => ({ catchUp }))).peers.get(b)?.caughtUpSinceMillis
    assert.strictEqual(since("CatchingUp", "CaughtUp", "CaughtUp"), 1_000)
    assert.strictEqual(since("CaughtUp", "CatchingUp", "CaughtUp"), 2_000)
    assert.isNull(since("CaughtUp", "Stalled"))
    assert.isNull(since(null))
  })

  it("begin anew in another term, and end with the leadership", () => {
    const before = after({}, {}, {})
    const next = observe(before, leading([peerStatus("b")], 2), 3_000)
    assert.strictEqual(next.peers.get(b)?.seenAtMillis, 3_000)
    assert.isFalse(isAlive(next, 3_000))
    assert.strictEqual(observe(before, { ...aloneStatus, role: "Follower", peers: [] }, 3_000).peers.size, 0)
  })

  it("forget who is no peer any more", () => {
    assert.strictEqual(observe(after({}, {}), leading([]), 2_000).peers.size, 0)
  })
})
