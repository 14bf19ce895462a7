import { assert, describe, it } from "@effect/vitest"
import { Limits } from "@nxmesh/raft/Limits"
import { encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { get, put, ReplicaCluster } from "./ReplicaCluster.ts"

const led = (settings: ConstructorParameters<typeof ReplicaCluster>[1] = {}) => {
  const cluster = new ReplicaCluster(["a", "b", "c"], settings)
  const leader = cluster.leader()
  const [follower, other] = cluster.followers()
  cluster.propose(leader.id, put("x", "1"))
  cluster.propose(follower!.id, put("y", "1"))
  cluster.settle()
  return { cluster, leader, follower: follower!, other: other! }
}

const asked = (cluster: ReplicaCluster, id: string): number =>
  cluster.node(id).inputs.filter(({ _tag }) => _tag === "ReadIndex").length

describe("a read", () => {
  it("on a follower sees what was acknowledged before it, even when the follower has not heard of it", () => {
    const { cluster, follower, leader } = led()
    cluster.filter = ({ _tag, to }) => to !== follower.id || _tag !== "AppendRequest"
    const written = cluster.propose(leader.id, put("x", "2"))
    cluster.settle()
    assert.deepStrictEqual(written, [{ kind: "put" }])
    const read = cluster.read(follower.id)
    const queried = cluster.call(follower.id, { _tag: "Query", data: encodeCommand(get("x")) })
    cluster.settle()
    assert.deepStrictEqual([read, queried], [[], []], "the index is known, the entry is not")
    cluster.heal()
    cluster.until(() => read.length > 0 && queried.length > 0)
    assert.deepStrictEqual(read, ["read"])
    assert.strictEqual(cluster.value(follower.id, "x"), "2")
  })

  it("shares one question to the leader with a thousand others, and leaves nothing in the log", () => {
    const { cluster, follower } = led()
    const before = { asked: asked(cluster, follower.id), last: follower.state.log.length }
    const reads = Array.from({ length: 1_000 }, () => cluster.read(follower.id))
    cluster.settle()
    assert.isTrue(reads.every((read) => read[0] === "read"))
    assert.strictEqual(asked(cluster, follower.id) - before.asked, 1)
    assert.strictEqual(follower.state.log.length, before.last)
  })

  it("that comes while a question is on its way waits for the next one", () => {
    const { cluster, follower } = led()
    cluster.filter = ({ _tag }) => _tag !== "ReadResponse"
    const first = cluster.read(follower.id)
    cluster.settle()
    const second = cluster.read(follower.id)
    cluster.settle()
    assert.strictEqual(asked(cluster, follower.id), 1)
    cluster.heal()
    cluster.until(() => second.length > 0)
    assert.deepStrictEqual([first, second], [["read"], ["read"]])
  })

  it("is asked again under another context when the question or its answer was lost", () => {
    const { cluster, follower } = led()
    cluster.filter = ({ _tag }) => _tag !== "ReadRequest"
    const read = cluster.read(follower.id)
    cluster.tick(30)
    cluster.heal()
    cluster.until(() => read.length > 0)
    const contexts = follower.inputs.flatMap((input) => (input._tag === "ReadIndex" ? [input.context] : []))
    assert.isAbove(contexts.length, 1)
    assert.strictEqual(new Set(contexts).size, contexts.length)
  })

  it("is never answered by the late answer to an earlier question (etcd 20418)", () => {
    const { cluster, follower, leader } = led()
    cluster.filter = ({ _tag }) => _tag !== "ReadResponse"
    const first = cluster.read(follower.id, 60_000)
    cluster.settle()
    const late = cluster.sent.findLast(({ _tag }) => _tag === "ReadResponse")!
    cluster.tick(12)
    cluster.filter = ({ _tag, to }) => _tag !== "ReadResponse" && (to !== follower.id || _tag !== "AppendRequest")
    cluster.propose(leader.id, put("x", "2"))
    cluster.settle()
    const second = cluster.read(follower.id, 60_000)
    cluster.settle()
    follower.replica.receive(late)
    cluster.settle()
    assert.deepStrictEqual([first, second], [[], []])
    cluster.heal()
    cluster.until(() => second.length > 0)
    assert.strictEqual(cluster.value(follower.id, "x"), "2")
  })

  it("is asked again of the next leader", () => {
    const { cluster, follower, leader } = led()
    cluster.filter = ({ _tag }) => _tag !== "ReadResponse"
    const read = cluster.read(follower.id)
    cluster.settle()
    cluster.crash(leader.id)
    cluster.heal()
    cluster.until(() => read.length > 0)
    assert.deepStrictEqual(read, ["read"])
  })

  it("of a leader that was cut off is not answered from its old state", () => {
    const { cluster, leader, follower } = led()
    cluster.partition([leader.id])
    const read = cluster.read(leader.id, 60_000)
    cluster.until(() => cluster.leaders().some(({ id }) => id !== leader.id))
    const written = cluster.propose(follower.id, put("x", "2"))
    cluster.until(() => written.length > 0)
    assert.deepStrictEqual(read, [])
    cluster.heal()
    cluster.until(() => read.length > 0)
    assert.strictEqual(cluster.value(leader.id, "x"), "2")
  })

  it("without a leader is refused at its deadline; one that was asked and not answered timed out", () => {
    const { cluster, follower } = led()
    cluster.filter = () => false
    const asking = cluster.read(follower.id, 200)
    cluster.tickMillis(300)
    assert.deepStrictEqual(asking, [{ _tag: "Unknown", reason: "TimedOut" }])
    cluster.tickMillis(1_000)
    const waiting = cluster.read(follower.id, 200)
    cluster.tickMillis(300)
    assert.deepStrictEqual(waiting, [{ _tag: "Refused", reason: "NotLeader", leader: null }])
  })

  it("is refused when too many wait", () => {
    const { cluster, follower } = led()
    cluster.filter = () => false
    for (let i = 0; i < Limits.node.readsMax; i++) cluster.read(follower.id)
    cluster.settle()
    for (let i = 0; i < Limits.node.readsMax; i++) cluster.read(follower.id)
    const last = cluster.read(follower.id)
    cluster.settle()
    assert.strictEqual((last[0] as { readonly reason: string }).reason, "TooManyReads")
  })
})

describe("a leader with lease reads whose thread slept", () => {
  const sleeping = (millis: number) => {
    const { cluster, leader } = led({ core: { reads: "Lease" } })
    cluster.tick(4)
    cluster.filter = () => false
    cluster.nowMillis += millis
    const read = cluster.read(leader.id)
    cluster.settle()
    return { leader, read }
  }

  it("steps down before it serves: others may have elected a leader", () => {
    const { leader, read } = sleeping(300)
    assert.strictEqual(leader.state.role, "Follower")
    assert.deepStrictEqual(read, [])
  })

  it("serves when it slept for less than a lease can take", () => {
    const { leader, read } = sleeping(50)
    assert.strictEqual(leader.state.role, "Leader")
    assert.deepStrictEqual(read, ["read"])
  })

  it("steps down when many ticks were a little late as well", () => {
    const { cluster, leader } = led({ core: { reads: "Lease" } })
    cluster.tick(4)
    cluster.filter = () => false
    for (let i = 0; i < 3; i++) {
      cluster.nowMillis += 60
      leader.replica.tick()
    }
    cluster.nowMillis += 30
    const read = cluster.read(leader.id)
    cluster.settle()
    assert.deepStrictEqual(read, [])
    assert.strictEqual(leader.state.role, "Follower")
  })
})
