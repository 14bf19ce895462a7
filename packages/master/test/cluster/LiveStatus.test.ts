/** What a master says of itself and of the cluster, and how it closes the gate when disks are short. */
import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { WriteGate } from "../../src/command/WriteGate.ts"
import { AskFailed, AskMaster } from "../../src/cluster/AskMaster.ts"
import { Disk, type OwnDisk } from "../../src/cluster/Disk.ts"
import { layerDiskWatch } from "../../src/cluster/DiskWatch.ts"
import { liveStatus } from "../../src/cluster/LiveClusterStatus.ts"
import { layerOwnStatus } from "../../src/cluster/LiveOwnStatus.ts"
import { MasterStatuses } from "../../src/cluster/MasterStatuses.ts"
import { ownProblem, roleOf } from "../../src/cluster/OwnHealth.ts"
import { Warnings } from "../../src/cluster/Warnings.ts"
import { Secrets } from "../../src/secrets/Secrets.ts"
import { Reads } from "../../src/state/Reads.ts"
import { aloneStatus, makeFakeNode, peerStatus } from "./FakeNode.ts"

const id = (name: string) => name as MasterId
const gibibyte = 1_024 ** 3
const disk = (freeBytes: number) => ({
  data_bytes: 1,
  state_bytes: 1,
  free_bytes: freeBytes,
  total_bytes: 1_000 * gibibyte
})
const says = (name: string, facts: Partial<PeerStatus> = {}): PeerStatus => ({
  id: id(name),
  role: "follower",
  term: 1,
  leader_id: id("a"),
  commit_index: 10,
  last_index: 10,
  applied_index: 9,
  version: "0.1.0",
  problem: null,
  disk: disk(500 * gibibyte),
  ...facts
})
const away = new AskFailed({ reason: "Unreachable", message: "b cannot be reached: ECONNREFUSED" })

describe("how the cluster stands", () => {
  const raft = { ...aloneStatus, peers: [peerStatus("b", { match: 7 })] }

  it("tells what each master said of itself", () => {
    const status = liveStatus(raft, new Map([[id("b"), Result.succeed(says("b", { problem: "it is tired" }))]]))
    assert.deepStrictEqual(status.masters.get(id("b")), {
      id: id("b"),
      healthy: false,
      problem: "it is tired",
      lastIndex: 10,
      appliedIndex: 9,
      version: "0.1.0",
      disk: { dataBytes: 1, freeBytes: 500 * gibibyte }
    })
  })

  it("tells of a silent one what the leader knows of its log, and why it is silent", () => {
    const silent = liveStatus(raft, new Map([[id("b"), Result.fail(away)]])).masters.get(id("b"))
    assert.deepInclude(silent, { healthy: false, problem: away.message, lastIndex: 7, version: null, disk: null })
  })

  it("tells a warning once, whoever gives it", () => {
    const warn = (name: string) => [id(name), Result.succeed(says(name, { warnings: ["c is dead"] }))] as const
    assert.deepStrictEqual(liveStatus(raft, new Map([warn("a"), warn("b")])).warnings, ["c is dead"])
  })
})

describe("a master's problem", () => {
  const ample = { isShort: false, freeBytes: gibibyte }
  it("is none in an ordinary state", () => assert.isNull(ownProblem(aloneStatus, ample)))
  it("is named", () => {
    const problems = [
      ownProblem({ ...aloneStatus, leader: null }, ample),
      ownProblem({ ...aloneStatus, declines: "DiskStalls" }, ample),
      ownProblem({ ...aloneStatus, declines: "HostStalls" }, ample),
      ownProblem(aloneStatus, null),
      ownProblem(aloneStatus, { isShort: true, freeBytes: 1_024 }),
      ownProblem({ ...aloneStatus, snapshotFailure: "no room" }, ample)
    ]
    const words = [
      /no leader/,
      /disk answers too slowly/,
      /main thread/,
      /cannot be found out/,
      /only 1.0 KiB/,
      /no room/
    ]
    for (const [at, word] of words.entries()) assert.match(problems[at] ?? "", word)
  })
  it("does not hide what it is to Raft", () => {
    assert.strictEqual(roleOf(aloneStatus), "leader")
    assert.strictEqual(roleOf({ ...aloneStatus, role: "Follower" }), "follower")
    assert.strictEqual(roleOf({ ...aloneStatus, role: "PreCandidate" }), "candidate")
    assert.strictEqual(roleOf({ ...aloneStatus, id: "z", role: "Follower" }), "learner")
  })
})

describe("the masters' statuses", () => {
  it.effect("come from everyone, and are asked for once in a second", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ configuration: { ...aloneStatus.configuration, voters: ["a", "b"] } })
      const asked: Array<string> = []
      const ask = AskMaster.of({
        status: (name) => Effect.suspend(() => (asked.push(name), Effect.succeed(says(name))))
      })
      const table = [
        { id: id("a"), peer_address: "a:1" },
        { id: id("c"), peer_address: "c:1" }
      ] as never
      const reads = Layer.mock(Reads)({ masters: Effect.succeed(table), appliedIndex: Effect.succeed(10) })
      const ownDisk: OwnDisk = { dataBytes: 1, stateBytes: 1, freeBytes: 2, totalBytes: 3, isShort: false }
      const ground = Layer.mergeAll(
        node.layer,
        reads,
        Warnings.layer,
        Layer.succeed(Secrets, { ring: { keyIds: () => ["0123456789abcdef"], refresh: Effect.void } } as never),
        Layer.succeed(AskMaster, ask),
        Layer.succeed(Disk, { use: Effect.succeed(ownDisk) })
      )
      yield* Effect.gen(function* () {
        const { all } = yield* MasterStatuses
        const [first] = yield* Effect.all([all, all], { concurrency: 2 })
        assert.sameMembers([...first.keys()].map(String), ["a", "b", "c"])
        assert.sameMembers(asked, ["b", "c"])
        const own = first.get(id("a"))
        assert.deepInclude(own !== undefined && Result.isSuccess(own) ? own.success : {}, {
          role: "leader",
          key_ids: ["0123456789abcdef"],
          peer_addresses: { a: "a:1", c: "c:1" }
        })
        yield* TestClock.adjust("1 second")
        yield* all
        assert.lengthOf(asked, 4)
      }).pipe(Effect.provide(MasterStatuses.layer.pipe(Layer.provide(layerOwnStatus), Layer.provide(ground))))
    })
  )
})

describe("the watch over disks", () => {
  it.effect("closes the gate for what adds, says so, and opens it when there is room", () =>
    Effect.gen(function* () {
      let free = gibibyte
      const own = Effect.sync((): OwnDisk => ({
        dataBytes: 1,
        stateBytes: 1,
        freeBytes: free,
        totalBytes: 1_000 * gibibyte,
        isShort: free < 100
      }))
      const all = Effect.sync(() => new Map([[id("a"), Result.succeed(says("a", { disk: disk(free) }))]]))
      const node = yield* makeFakeNode()
      const ground = Layer.mergeAll(
        node.layer,
        WriteGate.layer,
        Warnings.layer,
        Layer.succeed(Disk, { use: own }),
        Layer.succeed(MasterStatuses, { all })
      )
      yield* Effect.gen(function* () {
        const gate = yield* WriteGate
        const warnings = yield* Warnings
        yield* TestClock.adjust("1 millis")
        assert.isNull(yield* gate.refusal("SaveUpstream"))
        free = 10
        yield* TestClock.adjust("10 seconds")
        assert.match((yield* gate.refusal("SaveUpstream"))?.message ?? "", /disk of master a is almost full/)
        assert.isNull(yield* gate.refusal("DeleteUpstream"))
        assert.lengthOf(yield* warnings.all, 2)
        free = gibibyte
        yield* TestClock.adjust("10 seconds")
        assert.isNull(yield* gate.refusal("SaveUpstream"))
        assert.deepStrictEqual(yield* warnings.all, [])
      }).pipe(Effect.provide(layerDiskWatch.pipe(Layer.provideMerge(ground))))
    })
  )
})
