/** Dead members are warned about, and removed only where that is chosen and safe (design-cluster.md 20). */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Commands, type SubmitRequest } from "../../src/command/Commands.ts"
import { type AutopilotView, deadMasters, deadWarning, removable } from "../../src/cluster/Autopilot.ts"
import { layerAutopilot } from "../../src/cluster/AutopilotTask.ts"
import { Warnings } from "../../src/cluster/Warnings.ts"
import { Settings } from "../../src/Settings.ts"
import { Reads } from "../../src/state/Reads.ts"
import { makeFakeNode, peerStatus } from "./FakeNode.ts"

const minute = 60_000
const nowMillis = 1_000 * minute
const id = (name: string) => name as MasterId

/** Members `a` (the leader) and these, silent for so many minutes; a name in capitals does not vote. */
const view = (silentMinutes: Readonly<Record<string, number>>): AutopilotView => ({
  self: id("a"),
  nowMillis,
  masters: ["a", ...Object.keys(silentMinutes)].map((name) => ({
    id: id(name),
    name: `master-${name}`,
    voter: name === name.toLowerCase()
  })),
  records: {
    term: 1,
    peers: new Map(
      Object.entries(silentMinutes).map(([name, minutes]) => [
        id(name),
        {
          match: 1,
          catchUp: null,
          seenAtMillis: 0,
          activeAtMillis: nowMillis - minutes * minute,
          caughtUpSinceMillis: null
        }
      ])
    )
  }
})
const dead = (silentMinutes: Readonly<Record<string, number>>) =>
  deadMasters(view(silentMinutes)).map((master) => String(master.id))
const removed = (silentMinutes: Readonly<Record<string, number>>) => {
  const found = removable(view(silentMinutes))
  return found === null ? null : String(found.id)
}

describe("a master is dead", () => {
  it("when it has been silent for two minutes, the longest first", () => {
    assert.deepStrictEqual(dead({ b: 2, c: 1.99, d: 9 }), ["d", "b"])
  })
  it("also when it was never heard of since this leader began", () => {
    const silent = view({ b: 0 })
    const record = silent.records.peers.get(id("b"))
    if (record === undefined) return assert.fail("no record")
    const peers = new Map([[id("b"), { ...record, activeAtMillis: null, seenAtMillis: nowMillis - 3 * minute }]])
    assert.lengthOf(deadMasters({ ...silent, records: { term: 1, peers } }), 1)
  })
  it("not when Raft does not know it yet", () => {
    assert.deepStrictEqual(deadMasters({ ...view({ b: 9 }), records: { term: 1, peers: new Map() } }), [])
  })
  it("and its warning stays the same while it is", () => {
    const [first] = deadMasters(view({ b: 3 }))
    const [later] = deadMasters(view({ b: 30 }))
    assert.strictEqual(first && deadWarning(first), later && deadWarning(later))
    assert.match(first === undefined ? "" : deadWarning(first), /master-b \(b\) .* 2 minutes: start it, or remove it/)
  })
})

describe("a dead master may be removed", () => {
  it("when three live voters remain", () => assert.strictEqual(removed({ b: 0, c: 0, d: 31 }), "d"))
  it("not from a cluster of three, whose last two would tolerate nothing", () => {
    assert.isNull(removed({ b: 0, c: 31 }))
  })
  it("not before half an hour", () => assert.isNull(removed({ b: 0, c: 0, d: 29 })))
  it("not when those that remain alive are three, and no majority of those that remain", () => {
    assert.isNull(removed({ b: 0, c: 0, d: 31, e: 31, f: 31, g: 31, h: 31 }))
    assert.strictEqual(removed({ b: 0, c: 0, d: 31, e: 32, f: 5 }), "e")
  })
  it("counting only those that vote", () => assert.isNull(removed({ b: 0, D: 0, c: 31 })))
})

describe("the autopilot (rule 20)", () => {
  const flying = (autopilotCleanup: boolean) =>
    Effect.gen(function* () {
      const names = ["b", "c", "d"]
      const peers = (isActive: boolean, match: number) => [
        peerStatus("b", { match }),
        peerStatus("c", { match }),
        peerStatus("d", { isActive, match: 1 })
      ]
      const node = yield* makeFakeNode({ peers: peers(false, 1) })
      const taken: Array<SubmitRequest> = []
      const masters = ["a", ...names].map((name) => ({ id: id(name), name, voter: true })) as never
      const ground = Layer.mergeAll(
        node.layer,
        Warnings.layer,
        Metrics.layer,
        Layer.mock(Reads)({ masters: Effect.succeed(masters) }),
        Layer.mock(Commands)({
          submit: (request: SubmitRequest) =>
            Effect.sync(() => {
              taken.push(request)
              return { _tag: "Accepted", index: 1, replayed: false, value: null } as const
            })
        }),
        Layer.succeed(Settings, { autopilotCleanup } as Settings["Service"])
      )
      const services = yield* Layer.build(layerAutopilot.pipe(Layer.provideMerge(ground)))
      // A status each four seconds, for longer than half an hour.
      for (let step = 0; step < 460; step++) {
        yield* node.tell({ peers: peers(false, step + 2) })
        yield* TestClock.adjust("4 seconds")
      }
      return { warnings: yield* Warnings.use(({ all }) => all).pipe(Effect.provide(services)), taken }
    })

  it.effect("warns of a dead master, and removes nobody unless it is told to", () =>
    Effect.gen(function* () {
      const { taken, warnings } = yield* flying(false)
      assert.lengthOf(taken, 0)
      assert.isTrue(warnings.some((warning) => warning.startsWith("master d (d) has not been heard of")))
    })
  )

  it.effect("removes it under the fence of its term where that is set", () =>
    Effect.gen(function* () {
      const { taken } = yield* flying(true)
      assert.deepInclude(taken[0], { command: { _tag: "RemoveMaster", id: id("d") }, fence: { term: 1 } })
    })
  )
})
