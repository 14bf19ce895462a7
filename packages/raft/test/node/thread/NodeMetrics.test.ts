import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { nodeMetrics } from "@nxmesh/raft/node/NodeMetrics"
import { Effect } from "effect"
import { counters, status } from "./Statuses.ts"

describe("a node's metrics", () => {
  it.effect("are what its status says, under the user's own prefix", () =>
    Effect.gen(function* () {
      const set = yield* nodeMetrics("mesh_raft")
      set(status)
      const { text } = yield* Metrics
      const lines = (yield* text).split("\n")
      for (const line of [
        'mesh_raft_term{node="a"} 3',
        'mesh_raft_is_leader{node="a"} 1',
        'mesh_raft_flush_wait_seconds{node="a"} 1.5',
        'mesh_raft_follower_lag_entries{node="a",peer="b"} 10',
        'mesh_raft_proposals_total{node="a"} 10'
      ]) {
        assert.include(lines, line)
      }
    }).pipe(Effect.provide(Metrics.layer))
  )

  it.effect("count on from one status to the next, and forget followers on a node that no longer leads", () =>
    Effect.gen(function* () {
      const set = yield* nodeMetrics("mesh_raft")
      set(status)
      set({ ...status, role: "Follower", peers: [], counters: { ...counters, proposals: 17 } })
      const { text } = yield* Metrics
      const lines = (yield* text).split("\n")
      assert.include(lines, 'mesh_raft_proposals_total{node="a"} 17')
      assert.include(lines, 'mesh_raft_is_leader{node="a"} 0')
      assert.isFalse(lines.some((line) => line.startsWith("mesh_raft_follower_lag_entries{")))
    }).pipe(Effect.provide(Metrics.layer))
  )
})
