/** A master acts on what the masters said of their states (rule 12). */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import type { StoredMaster } from "@nxmesh/protocol/model/Master"
import { Context, Effect, Layer } from "effect"
import { until } from "../../../../test/support/Wait.ts"
import { layerStateCheckWatch } from "../../src/cluster/StateCheckWatch.ts"
import { StateDiverged, StateDivergence } from "../../src/cluster/StateDivergence.ts"
import { Warnings } from "../../src/cluster/Warnings.ts"
import { Commands, type SubmitRequest } from "../../src/command/Commands.ts"
import { WriteGate } from "../../src/command/WriteGate.ts"
import { NodeIdentity } from "../../src/consensus/NodeIdentity.ts"
import { divergedFile } from "../../src/consensus/RejoinFiles.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import type { StateCheck } from "../../src/state/digest/JudgeDigests.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { hash, temporaryDirectory } from "../state/TestMaster.ts"
import { makeFakeNode } from "./FakeNode.ts"

const masters = ["a", "b", "c"].map((name) => ({ id: name as MasterId, name }) as StoredMaster)
const self = "a" as MasterId
const voters = masters.map(({ id }) => id)

const check = (reports: Readonly<Record<string, string>>): StateCheck => ({
  entry: 7,
  voters,
  reports: new Map(Object.entries(reports).map(([id, digit]) => [id as MasterId, hash(digit)]))
})

/** As master `a`, which leads, and noted 1 at entry 7. */
const started = Effect.fnUntraced(function* (first: StateCheck) {
  const node = yield* makeFakeNode({ peers: [] })
  const directory = yield* temporaryDirectory
  const submitted: Array<SubmitRequest["command"]> = []
  let checks = [first]
  const services = yield* Layer.build(
    layerStateCheckWatch.pipe(
      Layer.provideMerge(
        Layer.mergeAll(Events.layer, Warnings.layer, WriteGate.layer, Metrics.layer, DataDirectory.layerAt(directory))
      ),
      Layer.provide([
        node.layer,
        Layer.mock(NodeIdentity)({
          nodeId: self,
          clusterId: "c" as ClusterId,
          founder: true,
          forming: null,
          mastersAtJoin: []
        }),
        Layer.mock(Reads)({
          masters: Effect.succeed(masters),
          stateChecks: Effect.sync(() => ({ checks, own: { entry: 7, digest: hash("1") } }))
        }),
        Layer.mock(Commands)({
          submit: ({ command }) =>
            Effect.sync(() => {
              submitted.push(command)
              return { _tag: "Accepted", index: 8, replayed: false, value: null } as const
            })
        })
      ])
    )
  )
  const becomes = (next: StateCheck): void => {
    checks = [next]
    Context.get(services, Events).publishUnsafe([{ index: 9, event: { _tag: "StateCheckChanged" } }])
  }
  return { becomes, directory, node, services, submitted }
})

describe("what the masters said of their states (rule 12)", () => {
  it.live("makes the odd one that leads leave a mark, hand over to one that is right, and end", () =>
    Effect.gen(function* () {
      const { becomes, directory, node, services, submitted } = yield* started(check({}))
      yield* until(
        Effect.sync(() => submitted),
        ({ length }) => length > 0,
        { fact: "it tells what it noted" }
      )
      assert.deepInclude(submitted[0], { _tag: "ReportDigest", master_id: self, entry: 7, digest: hash("1") })
      becomes(check({ a: "1", b: "2", c: "2" }))
      yield* until(
        Effect.sync(() => node.handovers),
        ({ length }) => length > 0,
        { fact: "it hands over" }
      )
      assert.deepStrictEqual(node.handovers, ["b"])
      yield* node.tell({ role: "Follower", leader: "b" })
      const found = yield* Effect.flip(Context.get(services, StateDivergence).found)
      assert.instanceOf(found, StateDiverged)
      assert.deepInclude(yield* divergedFile.read(directory), {
        index: 7,
        own_digest: hash("1"),
        cluster_digest: hash("2")
      })
      assert.deepStrictEqual(node.handovers, ["b"])
    })
  )

  it.live("closes the gate while there is no majority, from the start on, and opens it when there is", () =>
    Effect.gen(function* () {
      const { becomes, services } = yield* started(check({ a: "1", b: "2", c: "3" }))
      const { refusal } = Context.get(services, WriteGate)
      assert.match((yield* refusal("DeleteUser"))?.message ?? "", /a \| b \| c/)
      assert.isNull(yield* refusal("RemoveMaster"))
      assert.lengthOf(yield* Context.get(services, Warnings).all, 1)
      becomes(check({ a: "1", b: "1", c: "1" }))
      yield* until(refusal("DeleteUser"), (refused) => refused === null, { fact: "changes are taken" })
      assert.lengthOf(yield* Context.get(services, Warnings).all, 0)
    })
  )
})
