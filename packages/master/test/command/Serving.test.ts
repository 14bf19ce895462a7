import { assert, describe, it } from "@effect/vitest"
import { observed, servingAtStart, servingProblem } from "@nxmesh/master/command/Serving"
import type { Status } from "@nxmesh/raft/node/Status"
import { localId, statusOf } from "../state/LocalRaft.ts"

const start = 1_000_000
const caughtUp = { ...servingAtStart(start), caughtUp: true }
const problem = (status: Partial<Status>, serving = caughtUp, nowMillis = start) =>
  servingProblem(serving, statusOf(status), nowMillis)

const others = { ...statusOf().configuration, voters: ["another"] }

describe("whether a master can be asked", () => {
  it("it can, once it has caught up, led or leading", () => {
    assert.isNull(problem({}))
    assert.isNull(problem({ role: "Follower", leader: "another" }))
    assert.include(problem({}, servingAtStart(start)), "not caught up")
  })

  it("ten seconds without a leader are too many, and a leader that is seen again ends them", () => {
    const lost = { role: "Follower", leader: null } as const
    assert.isNull(problem(lost, caughtUp, start + 9_999))
    assert.include(problem(lost, caughtUp, start + 10_000), "no leader for 10 s")
    const seen = observed(caughtUp, { leader: localId }, start + 8_000)
    assert.isNull(problem(lost, seen, start + 17_999))
    assert.deepStrictEqual(observed(seen, { leader: null }, start + 17_000), seen)
  })

  it("not while the state of another master is taken over", () => {
    assert.include(problem({ firstIndex: 101, applied: 50 }), "taken over")
    assert.isNull(problem({ firstIndex: 101, applied: 100 }))
  })

  it("not before it is a member, nor after it was one; a learner and who is voted out still are", () => {
    assert.include(problem({ configuration: others }, servingAtStart(start)), "has not taken this master in")
    assert.include(problem({ configuration: others }), "removed")
    assert.isNull(problem({ configuration: { ...others, learners: [localId] } }))
    assert.isNull(problem({ configuration: { ...others, outgoing: [localId] } }))
  })
})
