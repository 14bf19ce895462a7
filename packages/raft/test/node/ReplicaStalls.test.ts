import { assert, describe, it } from "@effect/vitest"
import { put, ReplicaCluster } from "./ReplicaCluster.ts"
import type { ClusterSettings, TestNode } from "./ReplicaCluster.ts"

const led = (settings: ClusterSettings = {}) => {
  const cluster = new ReplicaCluster(["a", "b", "c"], settings)
  const leader = cluster.leader()
  const [follower] = cluster.followers()
  cluster.propose(leader.id, put("x", "1"))
  cluster.settle()
  return { cluster, leader, follower: follower! }
}

const elections = (cluster: ReplicaCluster): number =>
  [...cluster.nodes.values()].reduce((sum, { replica }) => sum + replica.status().counters.elections, 0)

const isLeader = ({ state }: TestNode): boolean => state.role === "Leader"

describe("a disk whose flush stalls (rule 13)", () => {
  const stalled = () => {
    const parts = led()
    parts.leader.disk.isHeld = true
    const outcome = parts.cluster.propose(parts.leader.id, put("y", "1"), 60_000)
    return { ...parts, outcome }
  }

  it("for less than two seconds costs no leadership", () => {
    const { cluster, leader } = stalled()
    const before = elections(cluster)
    cluster.tickMillis(1_900)
    leader.disk.isHeld = false
    cluster.tickMillis(500)
    assert.isTrue(isLeader(leader))
    assert.strictEqual(elections(cluster), before)
  })

  it("for two seconds hands over, and the proposal is answered", () => {
    const { cluster, leader, outcome } = stalled()
    cluster.tickMillis(2_200)
    assert.strictEqual(leader.replica.status().declines, "DiskStalls")
    assert.strictEqual(leader.replica.status().counters.handovers, 1)
    const [next] = cluster.leaders().filter(({ id }) => id !== leader.id)
    assert.isDefined(next)
    leader.disk.isHeld = false
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("on a follower makes it decline leadership until its disk works again", () => {
    const { cluster, follower, leader } = led()
    follower.disk.isHeld = true
    cluster.propose(leader.id, put("y", "1"))
    cluster.tickMillis(2_200)
    assert.strictEqual(follower.replica.status().declines, "DiskStalls")
    leader.replica.hear({ kind: "transferLeadership", to: follower.id })
    cluster.tickMillis(1_000)
    assert.isFalse(isLeader(follower))
    follower.disk.isHeld = false
    cluster.tickMillis(100)
    assert.isNull(follower.replica.status().declines)
    cluster.leader().replica.hear({ kind: "transferLeadership", to: follower.id })
    cluster.until(() => isLeader(follower))
  })

  it("on a node that is alone is only told", () => {
    const cluster = new ReplicaCluster(["a"])
    const leader = cluster.leader()
    leader.disk.isHeld = true
    const outcome = cluster.propose("a", put("x", "1"), 60_000)
    cluster.tickMillis(3_000)
    assert.isTrue(isLeader(leader))
    leader.disk.isHeld = false
    cluster.until(() => outcome.length > 0)
  })
})

describe("a host whose thread is blocked (rule 14)", () => {
  it("for 3 s costs no election, and delays nobody else", () => {
    const { cluster, follower, leader } = led()
    const before = elections(cluster)
    leader.isHostHeld = true
    const outcome = cluster.propose(follower.id, put("y", "1"))
    cluster.tickMillis(3_000)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
    assert.isTrue(isLeader(leader))
    assert.isNull(leader.replica.status().declines)
    leader.isHostHeld = false
    cluster.tickMillis(500)
    assert.strictEqual(elections(cluster), before)
  })

  it("for 5 s hands over, and takes no leadership until it answers", () => {
    const { cluster, leader } = led()
    leader.isHostHeld = true
    cluster.tickMillis(6_000)
    assert.strictEqual(leader.replica.status().declines, "HostStalls")
    assert.isFalse(isLeader(leader))
    assert.strictEqual(cluster.leaders().length, 1)
    leader.isHostHeld = false
    cluster.tickMillis(100)
    assert.isNull(leader.replica.status().declines)
    assert.deepStrictEqual(leader.stopped, [])
  })

  it("on a follower makes it decline leadership that is handed to it", () => {
    const { cluster, follower, leader } = led()
    follower.isHostHeld = true
    cluster.tickMillis(5_600)
    assert.strictEqual(follower.replica.status().declines, "HostStalls")
    const before = elections(cluster)
    leader.replica.hear({ kind: "transferLeadership", to: follower.id })
    cluster.tickMillis(1_000)
    assert.isTrue(isLeader(leader))
    assert.strictEqual(elections(cluster), before)
  })

  it("that answers but does not apply is stalled as well", () => {
    const { cluster, leader } = led()
    const { host } = leader
    leader.host = Object.assign(Object.create(host) as typeof host, {
      hear: (request: Parameters<typeof host.hear>[0]) => {
        if (request.kind !== "apply") host.hear(request)
      }
    })
    cluster.propose(leader.id, put("y", "1"))
    cluster.tickMillis(5_500)
    assert.strictEqual(leader.replica.status().declines, "HostStalls")
  })

  it("that works off a long backlog declines leadership and is not lost", () => {
    const { cluster, follower, leader } = led()
    const { host } = follower
    const held: Array<Parameters<typeof host.hear>[0]> = []
    follower.host = Object.assign(Object.create(host) as typeof host, {
      hear: (request: Parameters<typeof host.hear>[0]) => {
        if (request.kind === "apply") held.push(request)
        else host.hear(request)
      }
    })
    const batch = "v".repeat(700_000)
    for (let entry = 0; entry < 20; entry++) cluster.propose(leader.id, put("y", batch))
    for (let second = 0; second < 18; second++) {
      cluster.tickMillis(1_000)
      const next = held.shift()
      if (next !== undefined) host.hear(next)
    }
    assert.strictEqual(follower.replica.status().declines, "HostStalls")
    assert.deepStrictEqual(follower.stopped, [])
    cluster.tickMillis(15_500)
    assert.strictEqual(follower.stopped.length, 1, "and is lost once it applies nothing any more")
  })

  it("for 15 s stops the node, which then sends nothing any more", () => {
    const { cluster, leader } = led()
    leader.isHostHeld = true
    cluster.tickMillis(14_400)
    assert.deepStrictEqual(leader.stopped, [])
    cluster.tickMillis(1_000)
    assert.strictEqual(leader.stopped.length, 1)
    assert.match(leader.stopped[0]!.message, /HostLost.*15\d\d\d ms/)
    const sent = cluster.sent.length
    leader.replica.tick()
    leader.replica.receive(cluster.sent.findLast(({ to }) => to === leader.id)!)
    assert.strictEqual(cluster.sent.length, sent)
  })

  it("is not blamed when the whole process slept", () => {
    const { cluster, leader } = led()
    leader.isHostHeld = true
    cluster.tickMillis(600)
    cluster.nowMillis += 60_000
    cluster.tick()
    leader.isHostHeld = false
    cluster.tickMillis(500)
    assert.deepStrictEqual(leader.stopped, [])
    assert.strictEqual(leader.replica.status().counters.handovers, 0)
  })
})

describe("a thread that slept", () => {
  it("ticks once: what waits for its answers did not wait longer", () => {
    const { cluster, leader } = led()
    const before = leader.state.ticks
    cluster.nowMillis += 10_000
    leader.replica.tick()
    assert.strictEqual(leader.state.ticks, before + 1)
    cluster.tick(20)
    assert.isTrue(isLeader(leader))
  })
})

describe("a node that cannot go on", () => {
  it("stops when its storage fails, and acknowledges nothing", () => {
    const { cluster, leader } = led()
    leader.disk.isHeld = true
    const outcome = cluster.propose(leader.id, put("y", "1"))
    cluster.settle()
    leader.disk.fail()
    cluster.tickMillis(1_000)
    assert.strictEqual(leader.stopped.length, 1)
    assert.match(leader.stopped[0]!.message, /StorageFailed.*flush failed/)
    assert.deepStrictEqual(outcome, [])
  })

  it("stops when its state machine fails", () => {
    const { cluster, leader } = led()
    leader.replica.hear({ kind: "hostFailed", message: "apply failed at 7" })
    assert.match(leader.stopped[0]!.message, /HostFailed.*apply failed at 7/)
    cluster.until(() => cluster.leaders().length === 1)
  })
})

describe("closing", () => {
  it("hands over first, so that the next proposal waits for no election timeout", () => {
    const { cluster, leader, follower } = led()
    let isClosed = false
    leader.replica.close(() => (isClosed = true))
    cluster.settle()
    cluster.tick()
    assert.isTrue(isClosed)
    const outcome = cluster.propose(follower.id, put("y", "1"))
    cluster.settle()
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("answers what is on its way, and refuses what comes later", () => {
    const { cluster, leader } = led()
    const before = cluster.propose(leader.id, put("y", "1"))
    leader.replica.hear(leader.toReplica.shift()!)
    let isClosed = false
    leader.replica.close(() => (isClosed = true))
    const after = cluster.propose(leader.id, put("z", "1"))
    const called = cluster.call(leader.id, { _tag: "OpenSession" })
    cluster.until(() => isClosed, 20)
    leader.isUp = true
    cluster.settle()
    assert.deepStrictEqual(before, [{ kind: "put" }])
    assert.deepStrictEqual((after[0] as { readonly reason: string }).reason, "Stopped")
    assert.strictEqual(called[0]?._tag, "Failed")
  })

  it("does not wait for ever for a cluster that is gone", () => {
    const { cluster, leader } = led()
    cluster.filter = () => false
    const outcome = cluster.propose(leader.id, put("y", "1"), 60_000)
    cluster.settle()
    let isClosed = false
    leader.replica.close(() => (isClosed = true))
    cluster.tick(11)
    assert.isTrue(isClosed)
    assert.deepStrictEqual(outcome, [{ _tag: "Unknown", reason: "Stopped" }])
  })
})
