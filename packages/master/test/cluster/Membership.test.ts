/** Raft's members follow the table in steps of which each is safe (thesis 4; design section 6). */
import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { CatchUpVerdict } from "@nxmesh/raft/core/CatchUp"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { type MembershipView, type NextStep, nextStep, type WantedMaster } from "../../src/cluster/Membership.ts"
import type { PeerRecord } from "../../src/cluster/PeerRecords.ts"
import { majority } from "../../src/cluster/Quorum.ts"

const nowMillis = 1_000_000
const id = (name: string) => name as MasterId
const want = (name: string, voter = true, isFounder = false): WantedMaster => ({ id: id(name), voter, isFounder })

interface PeerFacts {
  readonly dead?: boolean
  readonly match?: number
  readonly catchUp?: CatchUpVerdict
  readonly caughtUpMillis?: number
}

const record = ({ catchUp = "CaughtUp", caughtUpMillis = 60_000, dead = false, match = 1 }: PeerFacts): PeerRecord => ({
  match,
  seenAtMillis: 0,
  activeAtMillis: dead ? null : nowMillis,
  caughtUpSinceMillis: catchUp === "CaughtUp" ? nowMillis - caughtUpMillis : null,
  catchUp
})

interface Facts {
  readonly self?: string
  readonly wanted: ReadonlyArray<WantedMaster>
  readonly voters: ReadonlyArray<string>
  readonly learners?: ReadonlyArray<string>
  readonly peers?: Readonly<Record<string, PeerFacts>>
  readonly isCommitted?: boolean
  readonly outgoing?: ReadonlyArray<string>
}

const view = ({
  isCommitted = true,
  learners = [],
  outgoing = [],
  peers = {},
  self = "a",
  voters,
  wanted
}: Facts): MembershipView => ({
  self: id(self),
  wanted,
  configuration: { voters, learners, outgoing, learnersNext: [], autoLeave: false },
  isCommitted,
  nowMillis,
  records: {
    term: 1,
    peers: new Map(
      [...voters, ...learners].filter((name) => name !== self).map((name) => [id(name), record(peers[name] ?? {})])
    )
  }
})

/** The step in words, as in `Promote b`. */
const words = (step: NextStep): string => {
  switch (step._tag) {
    case "Change":
      return `${step.step} ${step.id}`
    case "HandOver":
      return `hand over to ${step.to}`
    case "Wait":
      return `wait: ${step.reason}`
    case "Done":
      return "done"
  }
}
const step = (facts: Facts) => words(nextStep(view(facts)))

describe("membership: the next step", () => {
  it("is none when Raft's members are those that are wanted", () => {
    assert.strictEqual(step({ wanted: [want("a"), want("b", false)], voters: ["a"], learners: ["b"] }), "done")
  })

  it("adds a master as a learner first", () => {
    const next = nextStep(view({ wanted: [want("a"), want("b")], voters: ["a"] }))
    assert.deepStrictEqual(next, { _tag: "Change", step: "Add", id: id("b"), voters: [id("a")], learners: [id("b")] })
  })

  it("adds one at a time", () => {
    assert.strictEqual(step({ wanted: [want("a"), want("b"), want("c")], voters: ["a"] }), "Add b")
  })

  it("promotes a learner that has caught up and stayed so", () => {
    const facts = { wanted: [want("a"), want("b")], voters: ["a"], learners: ["b"] }
    assert.strictEqual(step({ ...facts, peers: { b: { caughtUpMillis: 10_000 } } }), "Promote b")
    assert.match(step({ ...facts, peers: { b: { caughtUpMillis: 9_999 } } }), /^wait: .*stay so for a while/)
    assert.match(step({ ...facts, peers: { b: { catchUp: "CatchingUp" } } }), /^wait: .*catching up/)
    assert.match(step({ ...facts, peers: { b: { catchUp: "TooSlow" } } }), /^wait: .*faster disk or network/)
    assert.match(step({ ...facts, peers: { b: { catchUp: "Stalled" } } }), /^wait: .*nothing arrives there/)
  })

  it("promotes a founder as soon as it has caught up", () => {
    const facts = { wanted: [want("a"), want("b", true, true)], voters: ["a"], learners: ["b"] }
    assert.strictEqual(step({ ...facts, peers: { b: { caughtUpMillis: 0 } } }), "Promote b")
    assert.match(step({ ...facts, peers: { b: { catchUp: "CatchingUp" } } }), /^wait/)
  })

  it("waits while the last change is not committed, or is joint", () => {
    const facts = { wanted: [want("a"), want("b")], voters: ["a"] }
    assert.match(step({ ...facts, isCommitted: false }), /^wait: the last change/)
    assert.match(step({ ...facts, outgoing: ["a"] }), /^wait: the last change/)
  })

  it("promotes the new one before a live one leaves", () => {
    const wanted = [want("a"), want("b"), want("d")]
    assert.strictEqual(step({ wanted, voters: ["a", "b", "c"], learners: ["d"] }), "Promote d")
    assert.strictEqual(step({ wanted, voters: ["a", "b", "c", "d"] }), "Remove c")
  })

  it("removes a dead one before the new one votes", () => {
    const wanted = [want("a"), want("b"), want("d")]
    assert.strictEqual(
      step({ wanted, voters: ["a", "b", "c"], learners: ["d"], peers: { c: { dead: true } } }),
      "Remove c"
    )
  })

  it("demotes who is wanted without a vote", () => {
    assert.strictEqual(step({ wanted: [want("a"), want("b", false)], voters: ["a", "b"] }), "Demote b")
  })

  it("never leaves a majority of dead voters", () => {
    const wanted = [want("a"), want("c")]
    const facts = { wanted, voters: ["a", "b", "c"], peers: { c: { dead: true } } }
    assert.match(step(facts), /^wait: master b still votes: too few others are alive/)
    const grown = { wanted: [want("a"), want("b")], voters: ["a"], learners: ["b"], peers: { b: { dead: true } } }
    assert.match(step(grown), /^wait: master b cannot vote yet/)
  })

  it("hands over before the leader leaves, to the live voter with most of the log", () => {
    const wanted = [want("b"), want("c"), want("d")]
    const facts = {
      wanted,
      voters: ["a", "b", "c", "d"],
      peers: { b: { match: 5 }, c: { match: 9 }, d: { match: 20, dead: true } }
    }
    assert.strictEqual(step(facts), "hand over to c")
  })

  it("hands over before the leader is demoted", () => {
    const wanted = [want("a", false), want("b"), want("c")]
    assert.strictEqual(step({ wanted, voters: ["a", "b", "c"] }), "hand over to b")
  })

  it("never removes the last voter, whatever the table says", () => {
    assert.match(
      step({ wanted: [want("b")], voters: ["a"], learners: ["b"], peers: { b: { catchUp: "Stalled" } } }),
      /^wait: master a still votes/
    )
    assert.match(step({ wanted: [], voters: ["a"] }), /^wait: no master is wanted as a voter/)
    assert.match(step({ wanted: [want("a", false)], voters: ["a"] }), /^wait: no master is wanted as a voter/)
  })

  it("removes a learner that is not wanted any more", () => {
    assert.strictEqual(step({ wanted: [want("a")], voters: ["a"], learners: ["b"] }), "Remove b")
  })
})

interface Cluster {
  leader: string
  voters: ReadonlyArray<string>
  learners: ReadonlyArray<string>
}

const names = ["a", "b", "c", "d", "e", "f", "g"]

const shuffled = (items: ReadonlyArray<string>, random: SeededRandom): ReadonlyArray<string> =>
  items
    .map((item) => [random.bits(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item)

const someCluster = (random: SeededRandom): Cluster => {
  const [first = "a", ...rest] = shuffled(names, random)
  const voters = [first, ...rest.slice(0, random.between(0, 4))]
  const learners = rest.filter((name) => !voters.includes(name)).slice(0, random.between(0, 2))
  return { leader: first, voters, learners }
}

const someWish = (random: SeededRandom): ReadonlyArray<WantedMaster> => {
  const [first = "a", ...rest] = shuffled(names, random)
  return [want(first), ...rest.slice(0, random.between(0, 5)).map((name) => want(name, random.chance(75)))]
}

/** Does the step as Raft would, and checks that it is one that may be done. */
const take = (cluster: Cluster, next: NextStep, dead: ReadonlySet<string>): Cluster => {
  if (next._tag === "HandOver") {
    assert.isTrue(cluster.voters.includes(next.to) && !dead.has(next.to), "the next leader is a live voter")
    return { ...cluster, leader: next.to }
  }
  if (next._tag !== "Change") return cluster
  const added = next.voters.filter((name) => !cluster.voters.includes(name)).length
  const removed = cluster.voters.filter((name) => !next.voters.some((voter) => voter === name)).length
  assert.isAtMost(added + removed, 1, "one voter at a time")
  const alive = next.voters.filter((name) => !dead.has(name)).length
  assert.isAtLeast(alive, majority(next.voters.length), `a majority is alive after: ${words(next)}`)
  assert.isTrue(
    next.voters.some((voter) => voter === cluster.leader),
    "the leader stays a voter"
  )
  assert.isTrue(next.step !== "Promote" || cluster.learners.includes(next.id), "only a learner is promoted")
  return { ...cluster, voters: next.voters, learners: next.learners }
}

const viewOf = (
  { leader, learners, voters }: Cluster,
  wanted: ReadonlyArray<WantedMaster>,
  dead: ReadonlySet<string>
) =>
  view({
    self: leader,
    wanted,
    voters,
    learners,
    peers: Object.fromEntries(
      names.map((name) => [name, dead.has(name) ? { dead: true, catchUp: "Stalled" as const } : {}])
    )
  })

describe("membership: from any members to any others", () => {
  it("is reached in few steps while all are alive, each of them safe", () => {
    for (let seed = 1; seed <= 600; seed++) {
      const random = new SeededRandom(seed)
      let cluster = someCluster(random)
      const wanted = someWish(random)
      const nobody = new Set<string>()
      let steps = 0
      for (; steps <= 30; steps++) {
        const next = nextStep(viewOf(cluster, wanted, nobody))
        if (next._tag === "Done") break
        assert.notStrictEqual(next._tag, "Wait", `seed ${seed}: ${words(next)}`)
        cluster = take(cluster, next, nobody)
      }
      assert.isAtMost(steps, 22, `seed ${seed}`)
      const voting = wanted.filter(({ voter }) => voter).map((master) => String(master.id))
      const listening = wanted.filter(({ voter }) => !voter).map((master) => String(master.id))
      assert.sameMembers([...cluster.voters], voting, `seed ${seed}`)
      assert.sameMembers([...cluster.learners], listening, `seed ${seed}`)
    }
  })

  it("is safe at each step when a minority is dead, and ends", () => {
    for (let seed = 1; seed <= 600; seed++) {
      const random = new SeededRandom(seed)
      let cluster = someCluster(random)
      const wanted = someWish(random)
      const others = shuffled([...cluster.voters, ...cluster.learners], random).filter(
        (name) => name !== cluster.leader
      )
      const minority = cluster.voters.length - majority(cluster.voters.length)
      const dead = new Set(others.slice(0, random.between(0, minority)))
      let steps = 0
      for (; steps <= 30; steps++) {
        const next = nextStep(viewOf(cluster, wanted, dead))
        if (next._tag === "Done" || next._tag === "Wait") break
        cluster = take(cluster, next, dead)
      }
      assert.isAtMost(steps, 30, `seed ${seed} goes on for ever`)
    }
  })
})
