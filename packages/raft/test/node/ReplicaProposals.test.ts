import { assert, describe, it } from "@effect/vitest"
import { Limits } from "@nxmesh/raft/Limits"
import { proposeError } from "@nxmesh/raft/node/RequestError"
import { once, put, ReplicaCluster, serials } from "./ReplicaCluster.ts"

const three = (settings: ConstructorParameters<typeof ReplicaCluster>[1] = {}): ReplicaCluster =>
  new ReplicaCluster(["a", "b", "c"], settings)

const swapped = { kind: "cas", swapped: true }

describe("a proposal", () => {
  it("is answered with its result, on the leader and on a follower", () => {
    const cluster = three()
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    const first = cluster.propose(leader.id, put("x", "1"))
    const second = cluster.propose(follower!.id, put("y", "2"))
    cluster.settle()
    assert.deepStrictEqual(first, [{ kind: "put" }])
    assert.deepStrictEqual(second, [{ kind: "put" }])
    cluster.tick(2)
    for (const id of ["a", "b", "c"]) assert.strictEqual(cluster.value(id, "y"), "2")
  })

  it("travels with all others of its turn, and costs one step of the core", () => {
    const cluster = three()
    const leader = cluster.leader()
    cluster.propose(leader.id, put("x", "0"))
    cluster.settle()
    const before = leader.inputs.length
    const outcomes = Array.from({ length: 100 }, (_, i) => cluster.propose(leader.id, put(`k${i}`, "1")))
    cluster.settle()
    for (const outcome of outcomes) assert.deepStrictEqual(outcome, [{ kind: "put" }])
    const proposes = leader.inputs.slice(before).filter(({ _tag }) => _tag === "Propose")
    assert.strictEqual(proposes.length, 1)
  })

  it("waits for a leader", () => {
    const cluster = three()
    const outcome = cluster.propose("b", put("x", "1"))
    cluster.settle()
    assert.deepStrictEqual(outcome, [])
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("is executed once though its leader died after half of the cluster had it", () => {
    const cluster = three()
    const old = cluster.leader()
    const [survivor, other] = cluster.followers()
    cluster.propose(survivor!.id, put("warm", "1"))
    cluster.settle()
    // The entry reaches the survivor, but no acknowledgement the leader: nobody knows whether it is committed.
    cluster.filter = ({ _tag, to }) => to !== other!.id && _tag !== "AppendAccepted"
    const outcome = cluster.propose(survivor!.id, once("x"))
    cluster.settle()
    assert.deepStrictEqual(outcome, [])
    cluster.crash(old.id)
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [swapped])
    assert.deepStrictEqual(serials(survivor!), [1, 2, 2], "it is in the log twice")
  })

  it("is proposed again under a new leader when the old one lost it", () => {
    const cluster = three()
    const old = cluster.leader()
    cluster.propose(old.id, put("warm", "1"))
    cluster.settle()
    cluster.partition([old.id])
    const outcome = cluster.propose(old.id, once("x"))
    cluster.tick(60)
    assert.deepStrictEqual(outcome, [])
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [swapped])
    assert.isAtLeast(old.replica.status().counters.proposalsRetried, 1)
  })

  it("that was lost on its way to the leader is forwarded again after an election timeout", () => {
    const cluster = three()
    cluster.leader()
    const [follower] = cluster.followers()
    cluster.filter = ({ _tag }) => _tag !== "ProposeRequest"
    const outcome = cluster.propose(follower!.id, put("x", "1"))
    cluster.tick(5)
    cluster.heal()
    assert.deepStrictEqual(outcome, [])
    cluster.tick(30)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("whose answer was lost is executed once", () => {
    const cluster = three()
    cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(follower!.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = ({ _tag, to }) => to !== follower!.id || (_tag !== "ProposeResponse" && _tag !== "AppendRequest")
    const outcome = cluster.propose(follower!.id, once("x"))
    cluster.tick(30)
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [swapped])
    assert.isAtLeast(serials(cluster.leader()).filter((serial) => serial === 2).length, 2)
  })

  it("is kept while leadership is handed over, and taken by the next leader", () => {
    const cluster = three()
    const old = cluster.leader()
    const [next] = cluster.followers()
    cluster.propose(old.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = ({ _tag }) => _tag !== "TimeoutNow"
    old.replica.hear({ kind: "transferLeadership", to: next!.id })
    const outcome = cluster.propose(old.id, put("x", "1"))
    cluster.tick(2)
    assert.deepStrictEqual(outcome, [])
    cluster.heal()
    cluster.until(() => outcome.length > 0, 40)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("which a snapshot skipped is answered from its session", () => {
    const cluster = three({ node: { snapshotLogBytes: 2_000, trailingEntries: 0 } })
    cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(follower!.id, put("warm", "1"))
    cluster.settle()
    // The leader says that it has the command, which the follower then does not see in its log.
    cluster.filter = ({ _tag, to }) => to !== follower!.id || _tag === "Heartbeat" || _tag === "ProposeResponse"
    const outcome = cluster.propose(follower!.id, once("x"), 60_000)
    cluster.settle()
    for (let i = 0; i < 100; i++) {
      cluster.propose(cluster.leader().id, put(`k${i}`, "1"))
      cluster.settle()
    }
    assert.isAbove(cluster.leader().state.log.baseIndex, follower!.state.commit)
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.strictEqual(follower!.replica.status().counters.snapshotsInstalled, 1)
    assert.isTrue(cluster.sent.some(({ _tag, to }) => _tag === "ProposeResponse" && to === follower!.id))
    assert.deepStrictEqual(outcome, [swapped])
  })
})

describe("a proposal without a result", () => {
  it("is refused at its deadline when no leader was ever there to take it", () => {
    const cluster = three()
    cluster.partition([])
    cluster.filter = () => false
    const outcome = cluster.propose("a", put("x", "1"), 1_000)
    cluster.tickMillis(1_100)
    assert.deepStrictEqual(outcome, [{ _tag: "Refused", reason: "NotLeader", leader: null }])
  })

  it("is unknown at its deadline once a leader may have taken it", () => {
    const cluster = three()
    const leader = cluster.leader()
    cluster.propose(leader.id, put("warm", "1"))
    cluster.settle()
    cluster.partition([leader.id])
    const outcome = cluster.propose(leader.id, put("x", "1"), 1_000)
    cluster.tickMillis(1_100)
    assert.deepStrictEqual(outcome, [{ _tag: "Unknown", reason: "TimedOut" }])
  })

  it("that was forwarded and not answered is unknown, not refused", () => {
    const cluster = three()
    cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(follower!.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = ({ _tag }) => _tag !== "ProposeRequest"
    const outcome = cluster.propose(follower!.id, put("x", "1"), 1_000)
    cluster.tickMillis(1_100)
    assert.deepStrictEqual(outcome, [{ _tag: "Unknown", reason: "TimedOut" }])
  })

  it("is told at once that too much is uncommitted", () => {
    const cluster = three({ core: { uncommittedBytesMax: 1_000 } })
    const leader = cluster.leader()
    cluster.propose(leader.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = () => false
    const first = cluster.propose(leader.id, put("x", "1".repeat(2_000)))
    cluster.settle()
    const second = cluster.propose(leader.id, put("y", "1"))
    cluster.settle()
    assert.deepStrictEqual(first, [])
    assert.deepStrictEqual(second, [{ _tag: "Refused", reason: "TooMuchUncommitted", leader: leader.id }])
  })

  it("is refused while too many entries are not applied (rule 14)", () => {
    const cluster = three({ core: { unappliedEntriesMax: 3 } })
    const leader = cluster.leader()
    cluster.propose(leader.id, put("warm", "1"))
    cluster.settle()
    const { host } = leader
    leader.host = Object.assign(Object.create(host) as typeof host, {
      hear: (request: Parameters<typeof host.hear>[0]) => {
        if (request.kind !== "apply") host.hear(request)
      }
    })
    const taken = ["a", "b", "c", "d"].map((key) => {
      const outcome = cluster.propose(leader.id, put(key, "1"))
      cluster.settle()
      return outcome
    })
    const refused = cluster.propose(leader.id, put("e", "1"))
    cluster.settle()
    assert.deepStrictEqual(taken, [[], [], [], []])
    assert.deepStrictEqual(refused, [{ _tag: "Refused", reason: "TooMuchUnapplied", leader: leader.id }])
  })

  it("is not refused by back-pressure when an earlier copy of it may be somewhere", () => {
    const cluster = three({ core: { uncommittedBytesMax: 1_000 } })
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(follower!.id, put("warm", "1"))
    cluster.propose(leader.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = ({ _tag }) => _tag !== "ProposeRequest"
    const outcome = cluster.propose(follower!.id, put("x", "1"), 60_000)
    cluster.settle()
    cluster.filter = ({ _tag }) => _tag !== "AppendAccepted"
    cluster.propose(leader.id, put("y", "1".repeat(2_000)))
    cluster.tick(30)
    const refused = cluster.sent.filter((message) => message._tag === "ProposeResponse")
    assert.isTrue(refused.some((message) => message._tag === "ProposeResponse" && message.result._tag === "Refused"))
    assert.deepStrictEqual(outcome, [])
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("is refused at once when too many wait on its node already", () => {
    const cluster = three()
    cluster.filter = () => false
    for (let i = 0; i < Limits.node.proposalsMax; i++) {
      cluster
        .node("a")
        .replica.hear({ kind: "propose", request: 1_000_000 + i, data: new Uint8Array(), timeoutMillis: 60_000 })
    }
    const outcome = cluster.propose("a", put("x", "1"))
    cluster.settle()
    assert.deepStrictEqual(outcome, [{ _tag: "Refused", reason: "TooMuchUncommitted", leader: null }])
    assert.strictEqual(cluster.node("a").replica.status().pendingProposals, Limits.node.proposalsMax)
  })

  it("is refused for good when it is too large for the log, from the host and from a client", () => {
    const cluster = three()
    const leader = cluster.leader()
    const outcomes: Array<unknown> = []
    const data = new Uint8Array(Limits.node.commandBytesMax + 1)
    leader.host.propose(data, 5_000, (outcome) => outcomes.push(outcome))
    const answers = cluster.call(leader.id, { _tag: "Propose", session: 1, serial: 1, acknowledged: 1, data })
    cluster.settle()
    const failure = { _tag: "Refused", reason: "TooLarge", leader: leader.id }
    assert.deepStrictEqual(outcomes, [failure])
    assert.deepStrictEqual(answers, [{ _tag: "Failed", failure } as never])
    assert.strictEqual(leader.replica.status().pendingProposals, 0)
    const { message } = proposeError({ _tag: "Refused", reason: "TooLarge", leader: null })
    assert.match(message, /at most 33554432 bytes/)
  })

  it("is never refused because the network doubled it", () => {
    const cluster = three({ core: { uncommittedBytesMax: 1_000 } })
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(follower!.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = ({ _tag }) => _tag !== "AppendAccepted"
    const outcome = cluster.propose(follower!.id, put("x", "1".repeat(2_000)))
    cluster.settle()
    const forwarded = cluster.sent.findLast(({ _tag }) => _tag === "ProposeRequest")
    leader.replica.receive(forwarded!)
    cluster.settle()
    assert.deepStrictEqual(outcome, [])
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ kind: "put" }])
  })

  it("is refused by a leader whose log is full, which its own reads are not", () => {
    const cluster = three({ node: { logBytesMax: 4_000, snapshotLogBytes: 1_000_000 } })
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(leader.id, put("x", "1".repeat(5_000)))
    cluster.settle()
    const own = cluster.propose(leader.id, put("y", "1"))
    const forwarded = cluster.propose(follower!.id, put("z", "1"))
    const read = cluster.read(leader.id)
    cluster.settle()
    assert.deepStrictEqual(own, [{ _tag: "Refused", reason: "LogFull", leader: leader.id }])
    assert.deepStrictEqual(forwarded, [{ _tag: "Refused", reason: "TooMuchUncommitted", leader: leader.id }])
    assert.deepStrictEqual(read, ["read"])
  })
})

describe("the node's own session", () => {
  it("that expired is opened again, and what was proposed once is executed in the new one", () => {
    const cluster = three()
    const leader = cluster.leader()
    cluster.propose(leader.id, put("warm", "1"))
    cluster.settle()
    const [follower] = cluster.followers()
    for (let i = 0; i <= Limits.sessions.sessionsMax; i++) cluster.call(follower!.id, { _tag: "OpenSession" })
    cluster.settle()
    const outcomes = ["x", "y", "z"].map((key) => cluster.propose(leader.id, once(key)))
    cluster.settle()
    cluster.tick(2)
    assert.deepStrictEqual(outcomes, [[swapped], [swapped], [swapped]])
  })

  it("that expired leaves the outcome unknown of what was proposed more than once", () => {
    const cluster = three()
    const leader = cluster.leader()
    const [follower] = cluster.followers()
    cluster.propose(follower!.id, put("warm", "1"))
    cluster.settle()
    cluster.filter = ({ _tag }) => _tag !== "ProposeRequest"
    const outcome = cluster.propose(follower!.id, once("x"), 60_000)
    cluster.settle()
    for (let i = 0; i <= Limits.sessions.sessionsMax; i++) cluster.call(leader.id, { _tag: "OpenSession" })
    cluster.settle()
    cluster.heal()
    cluster.until(() => outcome.length > 0)
    assert.deepStrictEqual(outcome, [{ _tag: "Unknown", reason: "SessionExpired" }])
  })

  it("acknowledges what it has, so that answers are forgotten", () => {
    const cluster = three()
    const leader = cluster.leader()
    for (let i = 0; i < 20; i++) {
      cluster.propose(leader.id, put("x", `${i}`))
      cluster.settle()
    }
    const { sessions } = leader.machine.load()
    assert.strictEqual(sessions.length, 1)
    assert.isAtMost(sessions[0]!.answers.length, 1)
  })
})
