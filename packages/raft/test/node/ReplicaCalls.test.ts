import { assert, describe, it } from "@effect/vitest"
import { encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import type { KeyValueCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { once, put, ReplicaCluster, serials } from "./ReplicaCluster.ts"

const three = (): ReplicaCluster => new ReplicaCluster(["a", "b", "c"])

describe("a call", () => {
  const session = (cluster: ReplicaCluster, id: string): number => {
    const [opened] = [cluster.call(id, { _tag: "OpenSession" })]
    cluster.until(() => opened.length > 0)
    const [answer] = opened
    return answer?._tag === "Opened" ? answer.session : 0
  }
  const propose = (cluster: ReplicaCluster, id: string, of: number, serial: number, command: KeyValueCommand) =>
    cluster.call(id, { _tag: "Propose", session: of, serial, acknowledged: serial, data: encodeCommand(command) })

  it("that is repeated through another node is executed once", () => {
    const cluster = three()
    cluster.leader()
    const mine = session(cluster, "a")
    const [first, second] = ["b", "c"].map((id) => propose(cluster, id, mine, 1, once("x")))
    cluster.settle()
    cluster.tick(2)
    assert.strictEqual(first!.length, 1)
    assert.deepStrictEqual(first, second)
    assert.strictEqual(first![0]?._tag, "Applied")
  })

  it("that is repeated through the same node while it waits is answered twice, from one entry", () => {
    const cluster = three()
    const leader = cluster.leader()
    const mine = session(cluster, leader.id)
    const answers = [1, 2].map(() => propose(cluster, leader.id, mine, 1, once("x")))
    cluster.settle()
    assert.strictEqual(answers[0]!.length, 1)
    assert.deepStrictEqual(answers[0], answers[1])
    assert.deepStrictEqual(serials(leader), [1])
  })

  it("of a session that nobody opened fails, and executes nothing", () => {
    const cluster = three()
    const leader = cluster.leader()
    const answers = propose(cluster, leader.id, 999, 1, once("x"))
    cluster.settle()
    const failure = { _tag: "Refused", reason: "SessionExpired", leader: leader.id }
    assert.deepStrictEqual(answers, [{ _tag: "Failed", failure } as never])
    assert.strictEqual(cluster.value(leader.id, "x"), null)
  })

  it("with numbers that no session has is refused, and enters no log", () => {
    const cluster = three()
    const leader = cluster.leader()
    const last = leader.state.log.length
    for (const [of, serial, acknowledged] of [
      [0, 1, 1],
      [1, 0, 0],
      [1, 1, 2],
      [1, 1.5, 1],
      [1, 1, -1]
    ] as const) {
      const answers = cluster.call(leader.id, {
        _tag: "Propose",
        session: of,
        serial,
        acknowledged,
        data: new Uint8Array()
      })
      cluster.settle()
      const failure = { _tag: "Refused", reason: "SessionExpired", leader: leader.id }
      assert.deepStrictEqual(answers, [{ _tag: "Failed", failure } as never])
    }
    assert.strictEqual(leader.state.log.length, last)
  })

  it("opens a session, asks, and is told who leads", () => {
    const cluster = three()
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    const mine = session(cluster, follower!.id)
    assert.isAbove(mine, 0)
    propose(cluster, follower!.id, mine, 1, put("x", "7"))
    cluster.settle()
    const answered = cluster.call(follower!.id, { _tag: "Query", data: encodeCommand({ kind: "get", key: "x" }) })
    const described = cluster.call(follower!.id, { _tag: "Describe" })
    cluster.settle()
    assert.strictEqual(answered[0]?._tag, "Answered")
    assert.strictEqual(described[0]?._tag === "Described" ? described[0].leader : null, leader.id)
  })
})
