import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "@nxmesh/protocol/model/ClusterStatus"
import { Schema } from "effect"
import { clusterView } from "../../src/api/ClusterView.ts"
import { found, gone, seen, state, stored } from "../cluster/LiveFixtures.ts"
import { masterId } from "../state/TestCluster.ts"

const named = () => "old"

describe("the view of a cluster", () => {
  it("gives each master its role, from what is wanted and what Raft counts", () => {
    const masters = [stored(1), stored(2), stored(3), stored(4, { voter: false }), stored(5)]
    const live = seen([found(1), found(2), found(3), found(4), found(6)], {
      voters: [masterId(1), masterId(2), masterId(6)],
      learners: [masterId(3), masterId(4)]
    })
    const { masters: shown, voters, failures_tolerated } = clusterView({ state: state(), masters, live }, named)
    assert.deepStrictEqual(
      shown.map(({ name, role }) => [name, role]),
      [
        ["m1", "leader"],
        ["m2", "voter"],
        ["m3", "joining"],
        ["m4", "learner"],
        ["m5", "joining"],
        ["old", "leaving"]
      ]
    )
    assert.deepStrictEqual([voters, failures_tolerated], [3, 1])
  })

  it("tells how far each is behind what is committed, and nothing of one that nobody heard of", () => {
    const masters = [stored(1), stored(2), stored(3)]
    const live = seen([found(1), found(2, { appliedIndex: 40 })], { commitIndex: 90 })
    const view = clusterView({ state: state(), masters, live }, named)
    assert.deepStrictEqual(
      view.masters.map(({ lag_entries }) => lag_entries),
      [0, 50, null]
    )
    assert.deepInclude(view.masters[2], { healthy: false, problem: "has not been heard of yet", disk: null })
  })

  it("keeps what a silent master last said of its version, and why it is not healthy", () => {
    const live = seen([found(1), gone(2)])
    const view = clusterView({ state: state(), masters: [stored(1), stored(2, { version: "0.1.9" })], live }, named)
    assert.deepInclude(view.masters[1], { version: "0.1.9", healthy: false, problem: "does not answer" })
  })

  it("is what the API's schema says, also without a leader and while a member leaves", () => {
    const live = seen([found(1), gone(2)], { leaderId: null, voters: [masterId(1), masterId(7)] })
    const view = clusterView({ state: state({ frozen: true }), masters: [stored(1)], live }, named)
    assert.deepStrictEqual(Schema.decodeUnknownSync(Cluster)(JSON.parse(JSON.stringify(view))), view)
  })
})
