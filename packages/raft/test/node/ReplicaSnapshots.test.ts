import { assert, describe, it } from "@effect/vitest"
import { put, ReplicaCluster } from "./ReplicaCluster.ts"
import type { ClusterSettings, TestNode } from "./ReplicaCluster.ts"

const small: ClusterSettings = {
  node: { snapshotLogBytes: 4_000, trailingEntries: 5 },
  core: { snapshotChunkBytes: 100 }
}

const write = (cluster: ReplicaCluster, count: number, size = 100): void => {
  for (let i = 0; i < count; i++) {
    const outcome = cluster.propose(cluster.leader().id, put(`k${i % 7}`, `${i}`.padEnd(size, ".")), 60_000)
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  }
  cluster.tick(4)
}

const hasSame = (cluster: ReplicaCluster): void => {
  const digests = [...cluster.nodes.values()].map(({ machine }) => machine.digest)
  assert.strictEqual(new Set(digests).size, 1, "all state machines are equal")
}

/** A follower that was away while the log was cut. */
const behind = (
  settings: ClusterSettings = small
): { readonly cluster: ReplicaCluster; readonly follower: TestNode } => {
  const cluster = new ReplicaCluster(["a", "b", "c"], settings)
  cluster.leader()
  const follower = cluster.followers()[0]!
  cluster.crash(follower.id)
  write(cluster, 100)
  assert.isAbove(cluster.leader().state.log.baseIndex, 50)
  return { cluster, follower }
}

describe("a snapshot of the node's own", () => {
  it("is taken when the log has grown, and the log is cut behind it, but for some entries", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"], small)
    write(cluster, 100)
    for (const { disk, replica, state } of cluster.nodes.values()) {
      const status = replica.status()
      assert.isAtLeast(status.counters.snapshotsTaken, 3)
      assert.strictEqual(status.snapshotIndex - status.firstIndex + 1, 5)
      assert.strictEqual(disk.files.firstIndex, status.firstIndex)
      assert.strictEqual(disk.files.snapshots.latest?.metadata.index, state.snapshot?.metadata.index)
    }
  })

  it("leaves no more behind it than it was worth, however large the entries", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"], { node: { snapshotLogBytes: 4_000, trailingEntries: 1_000 } })
    write(cluster, 60, 1_000)
    const { firstIndex, snapshotIndex } = cluster.leader().replica.status()
    assert.isAtMost(snapshotIndex - firstIndex, 4)
  })

  it("carries the node over a restart, together with the entries after it", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"], small)
    write(cluster, 60)
    for (const id of ["a", "b", "c"]) cluster.crash(id, { keepsState: false })
    for (const id of ["a", "b", "c"]) cluster.restart(id)
    write(cluster, 1)
    hasSame(cluster)
  })

  it("that fails is tried again later, less and less often, and nothing is cut", () => {
    const cluster = new ReplicaCluster(["a"], small)
    const node = cluster.leader()
    node.disk.holdBefore = null
    let asked = 0
    const { host } = node
    node.host = Object.assign(Object.create(host) as typeof host, {
      hear: (request: Parameters<typeof host.hear>[0]) => {
        if (request.kind !== "takeSnapshot") {
          host.hear(request)
          return
        }
        asked++
        node.toReplica.push({ kind: "snapshotFailed", message: "no space" })
      }
    })
    write(cluster, 50)
    cluster.tickMillis(16_500)
    assert.isAtLeast(asked, 4)
    assert.isAtMost(asked, 6)
    assert.strictEqual(node.state.log.baseIndex, 0)
    const { counters, snapshotFailure } = node.replica.status()
    assert.deepStrictEqual([counters.snapshotsFailed, snapshotFailure], [asked, "no space"])
  })

  it("that always fails stops a follower before it runs out of memory, since it cannot refuse what its leader sends", () => {
    const settings = { ...small, node: { ...small.node, logBytesMax: 10_000 } }
    const cluster = new ReplicaCluster(["a", "b", "c"], settings)
    cluster.leader()
    const follower = cluster.followers()[0]!
    const { host } = follower
    follower.host = Object.assign(Object.create(host) as typeof host, {
      hear: (request: Parameters<typeof host.hear>[0]) => {
        if (request.kind === "takeSnapshot") follower.toReplica.push({ kind: "snapshotFailed", message: "no space" })
        else host.hear(request)
      }
    })
    write(cluster, 140)
    assert.match(follower.stopped[0]!.message, /LogOverfull.*no space/)
    assert.isAtMost(follower.state.log.length * 150, 25_000)
    // Once the cause is gone it starts with that log, makes its snapshot, and goes on.
    cluster.crash(follower.id)
    cluster.restart(follower.id)
    cluster.tick(40)
    assert.isTrue(follower.isUp)
    assert.isAbove(follower.replica.status().snapshotIndex, 0)
  })

  it("waits while a follower is getting the one before, unless the log has doubled", () => {
    const { cluster, follower } = behind()
    cluster.filter = ({ _tag, to }) => !(_tag === "SnapshotChunk" && to === follower.id)
    cluster.restart(follower.id)
    const leader = cluster.leader()
    cluster.until(() => leader.state.progress.get(follower.id)?.mode === "Snapshot")
    const taken = (): number => leader.replica.status().counters.snapshotsTaken
    const before = taken()
    const grown = (): number => leader.state.applied - (leader.state.snapshot?.metadata.index ?? 0)
    write(cluster, 35)
    assert.isAbove(grown(), 25)
    assert.strictEqual(taken(), before)
    write(cluster, 40)
    assert.isAbove(taken(), before)
  })
})

describe("a snapshot from the leader", () => {
  it("brings a follower up to date, chunk by chunk", () => {
    const { cluster, follower } = behind()
    cluster.restart(follower.id)
    cluster.until(() => follower.state.commit === cluster.leader().state.commit)
    assert.strictEqual(follower.replica.status().counters.snapshotsInstalled, 1)
    assert.isAbove(cluster.sent.filter(({ _tag, to }) => _tag === "SnapshotChunk" && to === follower.id).length, 5)
    cluster.tick(4)
    hasSame(cluster)
    write(cluster, 3)
    hasSame(cluster)
  })

  it("that was damaged on the way is refused, and fetched again", () => {
    const { cluster, follower } = behind()
    let damaged = 0
    cluster.filter = (message) => {
      if (message._tag === "SnapshotChunk" && damaged < 1) {
        damaged++
        message.data.set([message.data[0]! ^ 1])
      }
      return true
    }
    cluster.restart(follower.id)
    cluster.until(() => follower.state.commit === cluster.leader().state.commit)
    assert.strictEqual(damaged, 1)
    assert.deepStrictEqual(follower.stopped, [])
    assert.isTrue(follower.inputs.some(({ _tag }) => _tag === "SnapshotRefused"))
    hasSame(cluster)
  })

  it("takes the place of one that the node is making itself", () => {
    const { cluster, follower } = behind()
    cluster.restart(follower.id)
    cluster.until(() => follower.replica.status().counters.snapshotsInstalled === 1)
    cluster.tick(4)
    // Its own begins, and then it falls behind again.
    follower.isHostHeld = true
    write(cluster, 40)
    cluster.partition([follower.id])
    follower.isHostHeld = false
    follower.disk.holdBefore = "write"
    cluster.tick(1)
    write(cluster, 100)
    cluster.heal()
    follower.disk.holdBefore = null
    cluster.until(() => follower.state.commit === cluster.leader().state.commit)
    cluster.tick(4)
    assert.deepStrictEqual(follower.stopped, [])
    hasSame(cluster)
  })

  it("that nobody needs any more does not keep the node from making its own", () => {
    const { cluster, follower } = behind()
    const needs = cluster.leader().state.snapshot!
    cluster.restart(follower.id)
    cluster.until(() => follower.replica.status().counters.snapshotsInstalled === 1)
    cluster.tick(4)
    // A late chunk of a snapshot ahead of it begins a transfer that never goes on; then the log comes as far by itself.
    const { leader, term } = follower.state
    const index = follower.state.commit + 5
    const snapshot = { ...needs, metadata: { ...needs.metadata, index, term } }
    const chunk = { _tag: "SnapshotChunk", from: leader!, to: follower.id, term, snapshot, offset: 0 } as const
    follower.replica.receive({ ...chunk, data: new Uint8Array(10) })
    cluster.settle()
    assert.isNotNull(follower.state.incoming)
    const before = follower.replica.status().counters.snapshotsTaken
    write(cluster, 60)
    assert.isAbove(follower.replica.status().counters.snapshotsTaken, before)
    assert.deepStrictEqual(follower.stopped, [])
  })

  it("is installed after everything that the host was given before", () => {
    const { cluster, follower } = behind()
    cluster.restart(follower.id)
    follower.isHostHeld = true
    cluster.tick(40)
    assert.strictEqual(follower.toHost.filter(({ kind }) => kind === "install").length, 1)
    const kinds = follower.toHost.map(({ kind }) => kind)
    assert.isBelow(kinds.lastIndexOf("apply"), kinds.indexOf("install"))
    follower.isHostHeld = false
    cluster.until(() => follower.state.commit === cluster.leader().state.commit)
    hasSame(cluster)
  })

  for (const step of ["receive", "write", "finish", "restore", "read"]) {
    for (const keepsState of [true, false]) {
      const state = keepsState ? "its state" : "an empty state"
      it(`survives a crash before '${step}', with ${state}`, () => {
        const { cluster, follower } = behind()
        cluster.restart(follower.id)
        follower.disk.holdBefore = step
        cluster.tick(20)
        assert.strictEqual(follower.replica.status().counters.snapshotsInstalled, 0)
        cluster.crash(follower.id, { keepsState })
        cluster.restart(follower.id)
        cluster.until(() => follower.state.commit === cluster.leader().state.commit)
        cluster.tick(4)
        assert.deepStrictEqual(follower.stopped, [])
        hasSame(cluster)
      })
    }
  }

  it("survives a crash before the host has installed it", () => {
    const { cluster, follower } = behind()
    cluster.restart(follower.id)
    cluster.until(() => follower.disk.done.includes("finish"))
    follower.isHostHeld = true
    cluster.tick(10)
    cluster.crash(follower.id)
    cluster.restart(follower.id)
    cluster.until(() => follower.state.commit === cluster.leader().state.commit)
    hasSame(cluster)
  })
})
