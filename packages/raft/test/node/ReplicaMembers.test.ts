import { assert, describe, it } from "@effect/vitest"
import { put, ReplicaCluster } from "./ReplicaCluster.ts"

/** What the leader says of a learner. */
const catchUpOf = (cluster: ReplicaCluster, id: string) =>
  cluster
    .leader()
    .replica.status()
    .peers.find((peer) => peer.id === id)?.catchUp

const change = (voters: ReadonlyArray<string>, expectedIndex: number | null = null) => ({
  voters,
  learners: [],
  expectedIndex
})

describe("a change of members", () => {
  it("is answered when it is committed, to the host and to clients", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    cluster.add("d", null)
    const outcomes: Array<unknown> = []
    leader.host.changeMembers(change(["a", "b", "c", "d"]), 5_000, (outcome) => outcomes.push(outcome))
    cluster.settle()
    assert.strictEqual((outcomes[0] as { readonly _tag: string })._tag, "Done")
    const answers = cluster.call(leader.id, { _tag: "ChangeMembers", ...change(["a", "b", "c"]) })
    cluster.settle()
    assert.strictEqual(answers[0]?._tag, "Changed")
    assert.deepStrictEqual(leader.replica.status().configuration.voters, ["a", "b", "c"])
  })

  it("is refused by a follower, which says who leads", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    const answers = cluster.call(follower!.id, { _tag: "ChangeMembers", ...change(["a", "b"]) })
    cluster.settle()
    const failure = { _tag: "Refused", reason: "NotLeader", leader: leader.id }
    assert.deepStrictEqual(answers, [{ _tag: "Failed", failure } as never])
  })

  it("of a configuration that is not in effect any more is refused", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    const index = leader.replica.status().configurationIndex
    cluster.call(leader.id, { _tag: "ChangeMembers", ...change(["a", "b"], index) })
    cluster.settle()
    const second = cluster.call(leader.id, { _tag: "ChangeMembers", ...change(["a"], index) })
    cluster.settle()
    const failure = { _tag: "Refused", reason: "ConfigurationOutdated", leader: leader.id }
    assert.deepStrictEqual(second, [{ _tag: "Failed", failure } as never])
  })

  it("that a next leader undoes is refused once another entry is committed in its place", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const old = cluster.leader()
    cluster.partition([old.id])
    const answers = cluster.call(old.id, { _tag: "ChangeMembers", ...change(["a", "b"]) })
    cluster.until(() => cluster.leaders().some(({ id }) => id !== old.id))
    assert.deepStrictEqual(answers, [])
    cluster.heal()
    cluster.until(() => answers.length > 0)
    assert.deepStrictEqual(answers[0]?._tag === "Failed" ? answers[0].failure._tag : null, "Refused")
    assert.deepStrictEqual(old.replica.status().configuration.voters, ["a", "b", "c"])
  })

  it("without a majority is unknown at its deadline", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    cluster.partition([leader.id])
    const outcomes: Array<unknown> = []
    leader.host.changeMembers(change(["a", "b"]), 200, (outcome) => outcomes.push(outcome))
    cluster.tickMillis(300)
    assert.deepStrictEqual(outcomes, [{ _tag: "Unknown", reason: "TimedOut" }])
  })
})

describe("a learner", () => {
  const withLearner = (): ReplicaCluster => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    cluster.propose(leader.id, put("x", "1"))
    cluster.add("d", null)
    assert.isFalse(cluster.node("d").replica.status().isMember)
    cluster.call(leader.id, { _tag: "ChangeMembers", ...change(["a", "b", "c"]), learners: ["d"] })
    return cluster
  }

  it("has caught up once a round was short, and no more when it is not heard any more", () => {
    const cluster = withLearner()
    cluster.tick()
    assert.strictEqual(catchUpOf(cluster, "d"), "CatchingUp")
    cluster.until(() => catchUpOf(cluster, "d") === "CaughtUp", 20)
    assert.isTrue(cluster.node("d").replica.status().isMember)
    cluster.crash("d")
    cluster.tick(20)
    assert.strictEqual(catchUpOf(cluster, "d"), "CatchingUp")
    cluster.tick(400)
    assert.strictEqual(catchUpOf(cluster, "d"), "Stalled")
  })

  it("is judged anew by a next leader", () => {
    const cluster = withLearner()
    cluster.until(() => catchUpOf(cluster, "d") === "CaughtUp", 20)
    cluster.crash(cluster.leader().id)
    cluster.until(() => catchUpOf(cluster, "d") === "CaughtUp")
  })

  it("is judged no more once it votes, nor are other voters", () => {
    const cluster = withLearner()
    cluster.until(() => catchUpOf(cluster, "d") === "CaughtUp", 20)
    cluster.call(cluster.leader().id, { _tag: "ChangeMembers", ...change(["a", "b", "c", "d"]) })
    cluster.tick(2)
    const { peers } = cluster.leader().replica.status()
    assert.deepStrictEqual(
      peers.map(({ catchUp }) => catchUp),
      [null, null, null]
    )
  })
})

describe("the status", () => {
  it("is told at once when the members change", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    cluster.settle()
    leader.isHostHeld = true
    cluster.call(leader.id, { _tag: "ChangeMembers", ...change(["a", "b"]) })
    cluster.settle()
    const told = leader.toHost.flatMap((request) => (request.kind === "status" ? [request.status] : []))
    assert.deepStrictEqual(
      told.map(({ configuration }) => configuration.voters),
      [["a", "b"]]
    )
  })

  it("of a node that is removed says so, and is told at once", () => {
    const cluster = new ReplicaCluster(["a", "b", "c"])
    const leader = cluster.leader()
    const [kept, gone] = cluster.followers()
    cluster.settle()
    gone!.isHostHeld = true
    cluster.call(leader.id, { _tag: "ChangeMembers", ...change([leader.id, kept!.id]) })
    cluster.settle()
    const told = gone!.toHost.flatMap((request) => (request.kind === "status" ? [request.status] : []))
    assert.isTrue(told.at(-1)?.isRemoved)
    assert.isNull(told.at(-1)?.leader)
    assert.isFalse(kept!.replica.status().isRemoved)
  })
})
