import { assert, describe, it } from "@effect/vitest"
import { type Applied, RaftClient, type Reply } from "@nxmesh/raft/client/RaftClient"
import { Limits } from "@nxmesh/raft/Limits"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { ManualEnvironment } from "../transport/ManualEnvironment.ts"
import { FakeCluster } from "./FakeCluster.ts"

type Outcome = Parameters<Reply<Applied>>[0]

const command = (number: number): Uint8Array => {
  const data = new Uint8Array(4)
  new DataView(data.buffer).setUint32(0, number, true)
  return data
}

const start = ({ leader = "a", timeoutMillis = 5_000, seed = 1 } = {}) => {
  const environment = new ManualEnvironment(seed)
  const cluster = new FakeCluster(environment, leader)
  const client = new RaftClient({
    addresses: ["a", "b", "c"].map((host) => ({ host, port: 1 })),
    connector: cluster.connector,
    environment,
    timeoutMillis
  })
  /** The outcome is there once the clock has moved far enough. */
  const propose = (number: number): { outcome: Outcome | null } => {
    const slot: { outcome: Outcome | null } = { outcome: null }
    client.propose(command(number), (outcome) => {
      assert.isNull(slot.outcome, "an outcome is told once")
      slot.outcome = outcome
    })
    return slot
  }
  const settle = (slot: { readonly outcome: Outcome | null }): Outcome => {
    environment.until(() => slot.outcome !== null)
    return slot.outcome as Outcome
  }
  /** A session is open and the leader is known. */
  const warm = (): void => assert.strictEqual(settle(propose(0))._tag, "Done")
  return { environment, cluster, client, propose, settle, warm }
}

describe("a client of a cluster", () => {
  it("finds the leader, opens one session, and numbers its commands", () => {
    const { cluster, propose, settle, warm } = start({ leader: "b" })
    warm()
    const slots = Array.from({ length: 100 }, (_, i) => propose(i + 1))
    for (const slot of slots) assert.strictEqual(settle(slot)._tag, "Done")
    assert.strictEqual(cluster.sessionsOpened, 1)
    const proposals = cluster.proposals().slice(1)
    assert.isTrue(proposals.every(({ node }) => node === "b"))
    assert.deepStrictEqual(
      proposals.map(({ call }) => call.serial),
      Array.from({ length: 100 }, (_, i) => i + 2)
    )
  })

  it("asks again for a lost answer, elsewhere, and the command is executed once", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    let lost = 0
    cluster.behave = () => (lost++ === 0 ? "ExecuteSilently" : "Answer")
    assert.strictEqual(settle(propose(7))._tag, "Done")
    assert.strictEqual(cluster.executed.get(7), 1)
    const [first, second] = cluster.proposals().slice(-2)
    assert.strictEqual(first?.call.serial, second?.call.serial)
    assert.notStrictEqual(first?.node, second?.node)
  })

  it("goes on through another node at once when the leader dies in the middle of a call", () => {
    const { cluster, environment, propose, settle, warm } = start()
    warm()
    cluster.behave = (node) => (node === "a" ? "ExecuteSilently" : "Answer")
    const slot = propose(7)
    environment.advance(5)
    const killed = environment.nowMillis()
    cluster.stop("a")
    assert.strictEqual(settle(slot)._tag, "Done")
    assert.strictEqual(cluster.executed.get(7), 1)
    assert.isBelow(environment.nowMillis() - killed, 10)
  })

  it("goes straight to the leader that a refusal names, and stays there", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    cluster.behave = (node) =>
      node === cluster.leader ? "Answer" : { _tag: "Refused", reason: "NotLeader", leader: cluster.leader }
    for (const [leader, asked] of [
      ["c", ["a", "c"]],
      ["b", ["c", "b"]],
      ["b", ["b"]]
    ] as const) {
      cluster.leader = leader
      const before = cluster.calls.length
      assert.strictEqual(settle(propose(1))._tag, "Done")
      assert.deepStrictEqual(
        cluster.calls.slice(before).map(({ node }) => node),
        [...asked]
      )
    }
  })

  it("tells at once that the cluster takes no more", () => {
    const { cluster, environment, propose, settle, warm } = start()
    warm()
    cluster.behave = () => ({ _tag: "Refused", reason: "TooMuchUncommitted", leader: "a" })
    const asked = environment.nowMillis()
    assert.deepInclude(settle(propose(1)), { _tag: "Refused", reason: "TooMuchUncommitted" })
    assert.isBelow(environment.nowMillis() - asked, 10)
  })

  it("never says refused when an earlier attempt may have been taken", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    let asked = 0
    cluster.behave = () =>
      asked++ === 0 ? "ExecuteSilently" : { _tag: "Refused", reason: "TooMuchUncommitted", leader: "a" }
    assert.deepStrictEqual(settle(propose(1)), { _tag: "Unknown", reason: "TimedOut" })
    assert.strictEqual(cluster.executed.get(1), 1)
  })

  it("never says refused when a node did not know", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    let asked = 0
    cluster.behave = () =>
      asked++ === 0
        ? { _tag: "Unknown", reason: "TimedOut" }
        : { _tag: "Refused", reason: "TooMuchUncommitted", leader: "a" }
    assert.deepStrictEqual(settle(propose(1)), { _tag: "Unknown", reason: "TimedOut" })
  })

  it("says refused at its deadline when every attempt was, and unknown when one was not answered", () => {
    const { cluster, environment, propose, settle, warm } = start()
    warm()
    const asked = environment.nowMillis()
    cluster.behave = () => ({ _tag: "Refused", reason: "NotLeader", leader: null })
    assert.deepStrictEqual(settle(propose(1)), { _tag: "Refused", reason: "NotLeader", leader: null })
    assert.closeTo(environment.nowMillis() - asked, 5_000, 20)
    cluster.behave = () => "Ignore"
    assert.deepStrictEqual(settle(propose(2)), { _tag: "Unknown", reason: "TimedOut" })
  })

  it("asks less and less often while it is refused", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    const before = cluster.calls.length
    cluster.behave = () => ({ _tag: "Refused", reason: "NotLeader", leader: null })
    settle(propose(1))
    assert.isBelow(cluster.calls.length - before, 30)
  })

  it("says that nobody was reached when nobody was", () => {
    const { cluster, client, propose, settle } = start()
    for (const node of ["a", "b", "c"]) cluster.stop(node)
    assert.deepStrictEqual(settle(propose(1)), { _tag: "Refused", reason: "Unreachable", leader: null })
    assert.match(client.problem, /does not listen/)
  })

  it("opens another session when the cluster forgot it, for what was never executed", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    cluster.expireSessions()
    const slots = [1, 2, 3].map(propose)
    for (const slot of slots) assert.strictEqual(settle(slot)._tag, "Done")
    assert.strictEqual(cluster.sessionsOpened, 2)
    assert.deepStrictEqual(
      [1, 2, 3].map((number) => cluster.executed.get(number)),
      [1, 1, 1]
    )
  })

  it("does not execute again what may have been executed in a session that was forgotten", () => {
    const { cluster, environment, propose, settle, warm } = start()
    warm()
    let asked = 0
    cluster.behave = () => (asked++ === 0 ? "ExecuteSilently" : "Answer")
    const slot = propose(1)
    environment.advance(10)
    cluster.expireSessions()
    assert.deepStrictEqual(settle(slot), { _tag: "Unknown", reason: "SessionExpired" })
    assert.strictEqual(cluster.executed.get(1), 1)
    assert.strictEqual(settle(propose(2))._tag, "Done")
  })

  it("acknowledges what it has answers to, and no more", () => {
    const { cluster, propose, settle, warm } = start()
    warm()
    cluster.behave = (_node, call) => (call._tag === "Propose" && call.serial === 3 ? "Ignore" : "Answer")
    const [two, three, four] = [propose(2), propose(3), propose(4)]
    settle(two!)
    settle(four!)
    settle(propose(5))
    assert.strictEqual(cluster.proposals().at(-1)?.call.acknowledged, 3)
    settle(three!)
    settle(propose(6))
    assert.strictEqual(cluster.proposals().at(-1)?.call.acknowledged, 6)
  })

  it("does not repeat a change of members of which it does not know whether it happened", () => {
    const { cluster, client, environment, warm } = start()
    warm()
    cluster.behave = () => "Ignore"
    let outcome: unknown = null
    client.changeMembers({ voters: ["a"], learners: [], expectedIndex: null }, (end) => {
      outcome = end
    })
    environment.advance(5)
    cluster.stop("a")
    environment.until(() => outcome !== null)
    assert.deepStrictEqual(outcome, { _tag: "Unknown", reason: "TimedOut" })
    assert.lengthOf(
      cluster.calls.filter(({ call }) => call._tag === "ChangeMembers"),
      1
    )
  })

  it("reads through another node when one does not answer", () => {
    const { cluster, client, environment, warm } = start()
    warm()
    cluster.behave = (node) => (node === "a" ? "Ignore" : "Answer")
    let answer: unknown = null
    client.query(command(9), (outcome) => {
      answer = outcome._tag === "Done" ? outcome.value.data : outcome
    })
    environment.until(() => answer !== null)
    assert.deepStrictEqual(answer, command(9))
  })

  it("takes only so many calls at a time", () => {
    const { client, propose, settle, warm, cluster } = start()
    warm()
    cluster.behave = () => "Ignore"
    const slots = Array.from({ length: Limits.client.callsMax }, (_, i) => propose(i))
    assert.isTrue(slots.every(({ outcome }) => outcome === null))
    assert.deepInclude(settle(propose(1)), { _tag: "Refused", reason: "TooManyCalls" })
    client.close()
    assert.isTrue(slots.every(({ outcome }) => outcome?._tag === "Unknown"))
    assert.deepInclude(settle(propose(1)), { _tag: "Refused", reason: "Closed" })
  })

  it("forgets a call that is given up, and its session goes on", () => {
    const { client, cluster, environment, propose, settle, warm } = start()
    warm()
    cluster.behave = () => "Ignore"
    const giveUp = client.propose(command(1), () => assert.fail("it was given up"))
    environment.advance(10)
    giveUp()
    cluster.behave = () => "Answer"
    environment.advance(10_000)
    assert.strictEqual(settle(propose(2))._tag, "Done")
    assert.strictEqual(cluster.proposals().at(-1)?.call.acknowledged, 3)
  })

  it("keeps every promise while nodes die, leadership moves, and answers and sessions are lost", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { cluster, environment, propose, settle } = start({ seed, timeoutMillis: 3_000 })
      const random = new SeededRandom(seed)
      cluster.behave = () => {
        if (random.chance(5)) return "ExecuteSilently"
        if (random.chance(5)) return "Ignore"
        if (random.chance(5)) return { _tag: "Refused", reason: "LeadershipLost", leader: null }
        if (random.chance(3)) return { _tag: "Refused", reason: "TooMuchUncommitted", leader: null }
        return "Answer"
      }
      const slots: Array<readonly [number, { outcome: Outcome | null }]> = []
      for (let number = 1; number <= 300; number++) {
        slots.push([number, propose(number)])
        environment.advance(random.between(0, 20))
        const node = random.pick(["a", "b", "c"])
        if (random.chance(3)) cluster.stop(node)
        if (random.chance(10)) for (const each of ["a", "b", "c"]) cluster.start(each)
        if (random.chance(3)) cluster.leader = node
        if (random.chance(0.5)) cluster.expireSessions()
      }
      let done = 0
      for (const [number, slot] of slots) {
        const outcome = settle(slot)
        const executed = cluster.executed.get(number) ?? 0
        const at = `command ${number} of seed ${seed}`
        assert.isAtMost(executed, 1, at)
        if (outcome._tag === "Done") assert.strictEqual(executed, 1, at)
        if (outcome._tag === "Refused") assert.strictEqual(executed, 0, at)
        done += outcome._tag === "Done" ? 1 : 0
      }
      assert.isAbove(done, 200, `seed ${seed}`)
    }
  })
})
