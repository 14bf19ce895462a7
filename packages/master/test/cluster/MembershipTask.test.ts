/** The leader makes Raft's members follow the table. */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import { Effect, Layer } from "effect"
import { until } from "../../../../test/support/Wait.ts"
import { Commands } from "../../src/command/Commands.ts"
import { layerMembership, wantedMasters } from "../../src/cluster/MembershipTask.ts"
import { Warnings } from "../../src/cluster/Warnings.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { type FakeNode, makeFakeNode, peerStatus } from "./FakeNode.ts"

const master = (id: string, created_at = "2026-01-01T00:00:00.000Z", voter = true) =>
  ({ id: id as MasterId, created_at, voter }) as StoredMaster

/** The task over a table that the test changes. */
const started = (node: FakeNode, table: ReadonlyArray<StoredMaster>) =>
  Layer.build(
    layerMembership.pipe(
      Layer.provideMerge(Layer.mergeAll(Events.layer, Warnings.layer, Metrics.layer, node.layer)),
      Layer.provide(Layer.mock(Reads)({ all: (() => Effect.sync(() => table)) as unknown as Reads["Service"]["all"] })),
      Layer.provide(Layer.mock(Commands)({}))
    )
  )

const changed = { index: 11, event: { _tag: "ResourceChanged", kind: "master", id: "b", operation: "create" } } as never

const eventually = (node: FakeNode, count: number) =>
  until(
    Effect.sync(() => node.changes),
    (changes) => changes.length >= count,
    { fact: `there are ${count} changes` }
  )

describe("the leader's membership task", () => {
  it.live("adds a master when the table names it, and lets it vote when it has caught up", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode()
      const table = [master("a")]
      const services = yield* started(node, table)
      yield* Effect.gen(function* () {
        const { publishUnsafe } = yield* Events
        table.push(master("b"))
        publishUnsafe([changed])
        yield* eventually(node, 1)
        assert.deepStrictEqual(node.changes[0], { voters: ["a"], learners: ["b"], expectedIndex: 1 })
        const peers = (match: number) => [peerStatus("b", { match, catchUp: match > 5 ? "CaughtUp" : "CatchingUp" })]
        yield* node.tell({ peers: peers(5) })
        let match = 5
        yield* until(
          Effect.andThen(
            Effect.suspend(() => node.tell({ peers: peers(++match) })),
            Effect.sync(() => node.changes)
          ),
          ({ length }) => length >= 2,
          { fact: "it votes" }
        )
        assert.deepStrictEqual(node.changes[1], { voters: ["a", "b"], learners: [], expectedIndex: 11 })
      }).pipe(Effect.provide(services))
    })
  )

  it.live("hands over when its own master is to leave", () =>
    Effect.gen(function* () {
      const configuration = { voters: ["a", "b", "c"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
      const peers = (match: number) => [peerStatus("b", { match }), peerStatus("c", { match: match - 1 })]
      const node = yield* makeFakeNode({ configuration, peers: peers(5) })
      yield* started(node, [master("b"), master("c")])
      let match = 5
      yield* until(
        Effect.andThen(
          Effect.suspend(() => node.tell({ peers: peers(++match) })),
          Effect.sync(() => node.handovers)
        ),
        (handovers) => handovers.includes("b"),
        { fact: "b is asked to take over" }
      )
      assert.deepStrictEqual(node.changes, [])
    })
  )
})

describe("founders", () => {
  it("are those who came within a minute of the oldest member", () => {
    const founders = wantedMasters([
      master("b", "2026-01-01T00:00:59.999Z"),
      master("a", "2026-01-01T00:00:00.000Z"),
      master("c", "2026-01-01T00:01:00.000Z")
    ]).filter(({ isFounder }) => isFounder)
    assert.deepStrictEqual(
      founders.map(({ id }) => String(id)),
      ["b", "a"]
    )
  })
})
