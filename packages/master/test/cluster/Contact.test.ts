/** A master tells Raft where the others are, asks around when it has lost them, and notices that it was removed. */
import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { NodeIdentity } from "../../src/consensus/NodeIdentity.ts"
import { AskFailed, AskMaster } from "../../src/cluster/AskMaster.ts"
import { layerContact } from "../../src/cluster/Contact.ts"
import { isRemoved, Standing } from "../../src/cluster/Standing.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { type FakeNode, makeFakeNode } from "./FakeNode.ts"

const id = (name: string) => name as MasterId
const master = (name: string) => ({ id: id(name), peer_address: `${name}:7443` }) as StoredMaster
const status = (applied_index: number, names: ReadonlyArray<string>): PeerStatus =>
  ({
    applied_index,
    peer_addresses: Object.fromEntries(names.map((name) => [name, `${name}:7443`]))
  }) as unknown as PeerStatus

interface World {
  table: ReadonlyArray<string>
  appliedIndex: number
  /** What each other master says when it is asked. */
  answers: Readonly<Record<string, PeerStatus | AskFailed["reason"]>>
}

const started = (node: FakeNode, world: World, mastersAtJoin: ReadonlyArray<string> = []) =>
  Layer.build(
    layerContact.pipe(
      Layer.provideMerge(Layer.mergeAll(node.layer, Events.layer)),
      Layer.provide([
        Layer.mock(Reads)({
          masters: Effect.sync(() => world.table.map(master)),
          appliedIndex: Effect.sync(() => world.appliedIndex)
        }),
        Layer.succeed(NodeIdentity, { nodeId: id("a"), mastersAtJoin: mastersAtJoin.map(master) } as never),
        Layer.succeed(DataDirectory, { path: "/data" }),
        Layer.succeed(AskMaster, {
          status: (asked) => {
            const answer = world.answers[asked] ?? "Unreachable"
            return typeof answer === "string"
              ? Effect.fail(new AskFailed({ reason: answer, message: answer }))
              : Effect.succeed(answer)
          }
        })
      ])
    )
  )

const peersOf = ({ peers }: FakeNode) => [...(peers.at(-1)?.keys() ?? [])].map(String)
const world = (facts: Partial<World> = {}): World => ({
  table: ["a", "b"],
  appliedIndex: 10,
  answers: {},
  ...facts
})
/** Statuses come each second. */
const seconds = (node: FakeNode, count: number) =>
  Effect.forEach(
    Array.from({ length: count }),
    () => Effect.andThen(TestClock.adjust("1 second"), node.tell({ logBytes: 0 })),
    { discard: true }
  ).pipe(Effect.andThen(TestClock.adjust("1 millis")))

describe("contact with the other masters", () => {
  it.effect("tells Raft where they are, at the start and when the table changes", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: "b" })
      const here = world()
      yield* started(node, here)
      assert.deepStrictEqual(peersOf(node), ["b"])
      here.table = ["a", "b", "c"]
      yield* seconds(node, 1)
      assert.deepStrictEqual(peersOf(node), ["b", "c"])
      yield* seconds(node, 5)
      assert.lengthOf(node.peers, 2)
    })
  )

  it.effect("believes what it was told when it joined, before its table has caught up", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Learner", leader: "c" } as never)
      yield* started(node, world({ table: [], appliedIndex: 0 }), ["a", "b", "c"])
      assert.deepStrictEqual(node.peers[0] === undefined ? [] : [...node.peers[0].keys()], ["b", "c"])
    })
  )

  it.effect("believes its own table, where it has one, more than what it was told when it joined", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: "b" })
      yield* started(node, world({ table: ["a", "b", "c"] }), ["a", "b", "z"])
      assert.deepStrictEqual(peersOf(node), ["b", "c"])
    })
  )

  it.effect("asks around for a leader that its table does not know", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: "d" })
      yield* started(node, world({ answers: { b: status(900, ["a", "b", "d"]) } }))
      assert.deepStrictEqual(peersOf(node), ["b"])
      yield* seconds(node, 7)
      assert.deepStrictEqual(peersOf(node), ["b", "d"])
    })
  )

  it.effect("does not believe a master that is further behind than itself", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: null })
      yield* started(node, world({ answers: { b: status(9, ["a", "z"]) } }))
      yield* seconds(node, 7)
      assert.deepStrictEqual(peersOf(node), ["b"])
    })
  )

  it.effect("ends a master that was removed while it was away, with what to do", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: null })
      const services = yield* started(node, world({ answers: { b: "Removed" } }))
      const removed = yield* Effect.forkChild(
        Effect.flip(Standing.use((standing) => standing.removed)).pipe(Effect.provide(services))
      )
      yield* seconds(node, 4)
      assert.isUndefined(removed.pollUnsafe())
      yield* seconds(node, 4)
      assert.match(
        (yield* Fiber.join(removed)).message,
        /master \(a\) was removed.* move \/data away.*NXMESH_JOIN_TOKEN/
      )
    })
  )

  it.effect("ends a master when Raft says that it was removed", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: "b", isMember: true })
      const services = yield* started(node, world())
      const removed = yield* Effect.forkChild(
        Effect.flip(Standing.use((standing) => standing.removed)).pipe(Effect.provide(services))
      )
      yield* seconds(node, 20)
      assert.isUndefined(removed.pollUnsafe())
      yield* node.tell({ isMember: false, isRemoved: true })
      yield* seconds(node, 1)
      yield* Fiber.join(removed)
    })
  )

  it.effect("keeps the address of one that was removed for an hour, so that it can be told", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Leader", leader: "a" })
      const here = world({ table: ["a", "b", "c"] })
      yield* started(node, here)
      here.table = ["a", "c"]
      yield* seconds(node, 1)
      assert.deepStrictEqual(peersOf(node).toSorted(), ["b", "c"])
      yield* TestClock.adjust("1 hour")
      yield* seconds(node, 1)
      assert.deepStrictEqual(peersOf(node), ["c"])
    })
  )
})

describe("a master was removed", () => {
  const view = { isOut: false, isLost: false, isToldRemoved: false }
  it("when Raft's members are without it", () => assert.isTrue(isRemoved({ ...view, isOut: true })))
  it("when it has no leader and another master says so", () => {
    assert.isTrue(isRemoved({ ...view, isLost: true, isToldRemoved: true }))
    assert.isFalse(isRemoved({ ...view, isToldRemoved: true }))
    assert.isFalse(isRemoved({ ...view, isLost: true }))
  })
})
