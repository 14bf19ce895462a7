import { assert, describe, it } from "@effect/vitest"
import { put, ReplicaCluster } from "./ReplicaCluster.ts"

describe("a proposal", () => {
  it("is answered with its result, on the leader and on a follower", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    const first = cluster.propose(leader.id, put("x", "1"))
    const second = cluster.propose(follower!.id, put("y", "2"))
    cluster.settle()
    assert.deepStrictEqual(first, [{ kind: "put" }])
    assert.deepStrictEqual(second, [{ kind: "put" }])
    assert.strictEqual(cluster.value("a", "x"), "1")
    assert.strictEqual(cluster.value("a", "y"), "2")
  })
})
