import { assert, describe, it } from "@effect/vitest"
import { decodeEnvelope } from "@nxmesh/raft/node/Envelope"
import { encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { put, ReplicaCluster } from "./ReplicaCluster.ts"
import type { TestNode } from "./ReplicaCluster.ts"

const hourMillis = 3_600_000

/** The times of the commands in a node's log, in order. */
const times = ({ state: { log } }: TestNode): ReadonlyArray<number> =>
  log.backing.entries.slice(0, log.length).flatMap((entry) => {
    const envelope = entry.kind === "Command" ? decodeEnvelope(entry.data) : null
    return envelope?.kind === "Command" ? [envelope.millis] : []
  })

/** The times that a node's state machine is given from here on. */
const givenTo = ({ machine }: TestNode): ReadonlyArray<number> => {
  const given: Array<number> = []
  const apply = machine.apply.bind(machine)
  machine.apply = (batch) => {
    given.push(...batch.commands.map(({ millis }) => millis))
    return apply(batch)
  }
  return given
}

describe("the time of a command", () => {
  it("is that of the leader's clock when it appends it, whoever proposed it", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    cluster.wallAheadMillis.set(follower!.id, hourMillis)
    cluster.propose(follower!.id, put("x", "0"))
    cluster.propose(leader.id, put("y", "0"))
    cluster.settle()
    const at = cluster.nowMillis
    cluster.tick(4)
    const given = [...cluster.nodes.values()].map(givenTo)
    cluster.propose(follower!.id, put("x", "1"))
    cluster.propose(leader.id, put("y", "1"))
    cluster.settle()
    const later = cluster.nowMillis
    cluster.tick(4)
    assert.deepStrictEqual(times(leader), [at, at, later, later])
    for (const each of given) assert.deepStrictEqual(each, [later, later])
  })

  it("is the leader's too when a client called another node", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    cluster.wallAheadMillis.set(follower!.id, hourMillis)
    const opened = cluster.call(follower!.id, { _tag: "OpenSession" })
    cluster.until(() => opened.length > 0)
    const session = opened[0]?._tag === "Opened" ? opened[0].session : 0
    const data = encodeCommand(put("x", "1"))
    cluster.call(follower!.id, { _tag: "Propose", session, serial: 1, acknowledged: 1, data })
    cluster.settle()
    assert.deepStrictEqual(times(leader), [cluster.nowMillis])
  })

  it("goes back with the leader's clock: a state machine takes the largest", () => {
    const cluster = new ReplicaCluster(["a"])
    const node = cluster.leader()
    const given = givenTo(node)
    cluster.propose("a", put("x", "1"))
    cluster.settle()
    cluster.wallAheadMillis.set("a", -500)
    cluster.propose("a", put("x", "2"))
    cluster.settle()
    assert.deepStrictEqual(given, [cluster.nowMillis, cluster.nowMillis - 500])
  })

  it("stays what it is in a log when the command is proposed again", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const old = cluster.leader()
    cluster.propose(old.id, put("x", "0"))
    cluster.settle()
    const before = times(old)[0] ?? 0
    cluster.partition([old.id])
    const outcome = cluster.propose(old.id, put("x", "1"))
    cluster.settle()
    const appendedAt = cluster.nowMillis
    const others = [...cluster.nodes.values()].filter((node) => node !== old)
    cluster.until(() => others.some(({ state }) => state.role === "Leader"))
    assert.deepStrictEqual(times(old), [before, appendedAt])
    // The new leader is heard of, the command is forwarded to it, and what the old one has is not cut yet.
    cluster.filter = ({ _tag, from, to }) =>
      (from !== old.id && to !== old.id) || _tag === "Heartbeat" || _tag === "ProposeRequest" || _tag === "ReadRequest"
    cluster.until(() => others.some((node) => times(node).length === 2))
    assert.deepStrictEqual(times(old), [before, appendedAt])
    const [leader] = others.filter(({ state }) => state.role === "Leader")
    assert.isAbove(times(leader!)[1]!, appendedAt)
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
    assert.deepStrictEqual(times(old), times(leader!))
  })
})
