import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Configuration } from "@nxmesh/raft/core/Types"
import { nodeMetricsLayer } from "@nxmesh/raft/node/NodeMetrics"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { Limits } from "@nxmesh/raft/Limits"
import { NodeStopped } from "@nxmesh/raft/node/NodeStopped"
import { RaftNode, startRaftNode } from "@nxmesh/raft/node/RaftNode"
import type { RaftNodeSettings } from "@nxmesh/raft/node/RaftNode"
import { RequestRefused } from "@nxmesh/raft/node/RequestError"
import { NodeThread } from "@nxmesh/raft/node/thread/NodeThread"
import type { StateMachine } from "@nxmesh/raft/node/StateMachine"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { MemoryKeyValue } from "@nxmesh/raft/testing/machine/MemoryKeyValue"
import type { Address } from "@nxmesh/raft/transport/Transport"
import { Effect, Exit, Layer, Schedule, Scope, Stream } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Worker } from "node:worker_threads"

type Node = RaftNode["Service"]

const among = (...voters: ReadonlyArray<string>): Configuration => ({
  voters,
  learners: [],
  outgoing: [],
  learnersNext: [],
  autoLeave: false
})

const failingFileSystem = new URL("../../storage/thread/FailingFileSystem.ts", import.meta.url).href

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "raft-node-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const settings = (
  path: string,
  id: string,
  machine: StateMachine,
  voters: ReadonlyArray<string> = [id]
): RaftNodeSettings => ({
  // Elections after half a second to a second: a busy machine must not look like a dead leader.
  options: { ...defaultNodeOptions, tickMillis: 50, id, bootstrap: among(...voters) },
  directory: join(path, id),
  machine,
  network: { cluster: "test", listen: { host: "127.0.0.1", port: 0 }, tls: null, allowPlaintext: false },
  peers: new Map()
})

/** A node in a scope of its own; `close` ends it before the test does. */
const startClosable = Effect.fnUntraced(function* (from: RaftNodeSettings) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (opened) => Scope.close(opened, Exit.void))
  const node = yield* Scope.provide(startRaftNode(from), scope)
  return { node, close: Scope.close(scope, Exit.void) }
})

const put = (key: string, value: string): Uint8Array => encodeCommand({ kind: "put", key, value })

const valueOf = (machine: StateMachine, key: string): unknown => {
  const result = decodeResult(machine.query(encodeCommand({ kind: "get", key })))
  return result.kind === "get" ? result.value : undefined
}

const leads = (node: Node) =>
  Stream.runHead(Stream.filter(node.statuses, ({ role }) => role === "Leader")).pipe(Effect.asVoid)

describe("a Raft node", { timeout: 60_000 }, () => {
  it.live("executes what is proposed, and reads after it see it", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const machine = new MemoryKeyValue()
      const node = yield* startRaftNode(settings(path, "a", machine))
      const all = Array.from({ length: 200 }, (_, i) => node.propose(put(`key-${i}`, `value-${i}`)))
      const indexes = (yield* Effect.all(all, { concurrency: "unbounded" })).map(({ index }) => index)
      assert.strictEqual(new Set(indexes).size, 200)
      assert.isAtLeast(yield* node.read, Math.max(...indexes))
      assert.strictEqual(valueOf(machine, "key-199"), "value-199")
      const { leader, role } = yield* node.status
      assert.deepStrictEqual([role, leader], ["Leader", "a"])
    })
  )

  it.live("is a layer, and so are its metrics", () =>
    Effect.gen(function* () {
      const node = RaftNode.layer(settings(yield* directory, "a", new MemoryKeyValue()))
      const program = Effect.gen(function* () {
        yield* (yield* RaftNode).propose(put("a", "1"))
        const { text } = yield* Metrics
        const isShown = Effect.map(text, (shown) => shown.includes('mesh_raft_is_leader{node="a"} 1'))
        yield* Effect.repeat(isShown, { until: (shown) => shown, schedule: Schedule.spaced("20 millis") })
      })
      yield* Effect.provide(
        program,
        Layer.provideMerge(nodeMetricsLayer("mesh_raft"), Layer.merge(node, Metrics.layer))
      )
    })
  )

  it.live("has after a restart what it had, though its state machine lost everything and the log begins late", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const from = (machine: StateMachine): RaftNodeSettings => {
        const { options, ...rest } = settings(path, "a", machine)
        const small = { snapshotLogBytes: 32_768, trailingEntries: 10 }
        const log = { segmentBytes: 16_384, growBytes: 4_096, bufferBytes: 4_096 }
        return { ...rest, options: { ...options, ...small }, log }
      }
      const first = yield* startClosable(from(new MemoryKeyValue()))
      for (let round = 0; round < 12; round++) {
        const batch = Array.from({ length: 50 }, (_, i) =>
          first.node.propose(put(`key-${i}`, `${round} ${"x".repeat(200)}`))
        )
        yield* Effect.all(batch, { concurrency: "unbounded" })
      }
      const compacted = yield* Stream.runHead(Stream.filter(first.node.statuses, ({ firstIndex }) => firstIndex > 300))
      assert.strictEqual(compacted._tag, "Some")
      yield* first.close
      const machine = new MemoryKeyValue()
      const second = yield* startRaftNode(from(machine))
      yield* second.read
      assert.strictEqual(valueOf(machine, "key-49"), `11 ${"x".repeat(200)}`)
      yield* second.propose(put("after", "it"))
    })
  )

  it.live("refuses what is asked after it was closed, and says so to whoever waits for its end", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const { close, node } = yield* startClosable(settings(path, "a", new MemoryKeyValue()))
      yield* node.propose(put("a", "1"))
      yield* close
      const refusal = yield* Effect.flip(node.propose(put("a", "2")))
      assert.instanceOf(refusal, RequestRefused)
      assert.strictEqual(refusal.reason, "Stopped")
      assert.strictEqual((yield* Effect.flip(node.read)).reason, "Stopped")
      assert.strictEqual((yield* Effect.flip(node.stopped)).reason, "Closed")
    })
  )

  it.live("does not start in a directory that another one uses", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* startRaftNode(settings(path, "a", new MemoryKeyValue()))
      const failure = yield* Effect.flip(startRaftNode(settings(path, "a", new MemoryKeyValue())))
      assert.instanceOf(failure, NodeStopped)
      assert.strictEqual(failure.reason, "StorageFailed")
      assert.match(failure.message, /this directory is in use/)
    })
  )

  it.live("does not start on a port that is taken", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const { address } = yield* startRaftNode(settings(path, "a", new MemoryKeyValue()))
      const other = settings(path, "b", new MemoryKeyValue())
      const failure = yield* Effect.flip(startRaftNode({ ...other, network: { ...other.network, listen: address } }))
      assert.strictEqual(failure.reason, "NetworkFailed")
      assert.match(failure.message, new RegExp(`${address.port}`))
    })
  )
})

describe("a Raft node that fails", { timeout: 60_000 }, () => {
  it.live("stops when its state machine fails, and whoever waits does not know the outcome", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const machine = new MemoryKeyValue()
      const apply = machine.apply.bind(machine)
      machine.apply = (batch) => {
        if (batch.commands.length > 0) throw new Error("the table is gone")
        return apply(batch)
      }
      const node = yield* startRaftNode(settings(path, "a", machine))
      const failure = yield* Effect.flip(node.propose(put("a", "1")))
      assert.deepStrictEqual([failure._tag, failure.reason], ["OutcomeUnknown", "Stopped"])
      const stopped = yield* Effect.flip(node.stopped)
      assert.strictEqual(stopped.reason, "HostFailed")
      assert.match(stopped.message, /the table is gone/)
    })
  )

  it.live("acknowledges nothing after a flush that failed, and stops", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const machine = new MemoryKeyValue()
      const node = yield* startRaftNode({ ...settings(path, "a", machine), fileSystemModule: failingFileSystem })
      yield* node.propose(put("before", "1"))
      yield* Effect.promise(() => writeFile(join(path, "fail-log"), ""))
      const failure = yield* Effect.flip(node.propose(put("after", "2")))
      assert.deepStrictEqual([failure._tag, failure.reason], ["OutcomeUnknown", "Stopped"])
      assert.isNull(valueOf(machine, "after"))
      const stopped = yield* Effect.flip(node.stopped)
      assert.strictEqual(stopped.reason, "StorageFailed")
      assert.match(stopped.message, /cannot flush: i\/o error/)
    })
  )

  it.live("says so when its Raft thread ends by itself", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const { directory: own, network, options, peers } = settings(path, "a", new MemoryKeyValue())
      const failures: Array<NodeStopped> = []
      const thread = new NodeThread(
        { directory: own, network, options, peers, log: Limits.storage, fileSystemModule: null },
        { problem: () => undefined, stopped: (failure) => void failures.push(failure) }
      )
      yield* Effect.promise(() => thread.recovered())
      const worker = Reflect.get(thread, "worker") as Worker
      yield* Effect.promise(() => worker.terminate())
      const failure = yield* Effect.flip(
        Effect.tryPromise({ try: () => thread.start(0, () => undefined), catch: (cause) => cause })
      )
      assert.instanceOf(failure, NodeStopped)
      assert.strictEqual(failure.reason, "ThreadFailed")
      assert.deepStrictEqual(failures, [failure])
    })
  )
})

/** Started side by side, and told of each other. */
const startCluster = Effect.fnUntraced(function* (path: string, ids: ReadonlyArray<string>) {
  const members = yield* Effect.forEach(ids, (id) => startClosable(settings(path, id, new MemoryKeyValue(), ids)), {
    concurrency: "unbounded"
  })
  yield* introduce(members.map(({ node }) => node))
  const leading = yield* Effect.raceAll(members.map((member) => Effect.as(leads(member.node), member)))
  return { members, leading }
})

const introduce = Effect.fnUntraced(function* (nodes: ReadonlyArray<Node>) {
  const peers = new Map<string, Address>()
  for (const node of nodes) peers.set((yield* node.status).id, node.address)
  for (const node of nodes) yield* node.setPeers(peers)
})

describe("a cluster of Raft nodes", { timeout: 60_000 }, () => {
  it.live("hands over before the leader is closed: it sees the next term begin", () =>
    Effect.gen(function* () {
      const { leading, members } = yield* startCluster(yield* directory, ["a", "b", "c"])
      const { term } = yield* leading.node.status
      yield* leading.close
      const { role, term: last } = yield* leading.node.status
      assert.deepStrictEqual([role, last], ["Follower", term + 1])
      const others = members.filter((member) => member !== leading)
      yield* Effect.raceAll(others.map(({ node }) => leads(node)))
      yield* others[0]!.node.propose(put("a", "1"))
    })
  )

  it.live("takes in a node that was not there at its start, first as a learner, then as a voter", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const machine = new MemoryKeyValue()
      const { leading, members } = yield* startCluster(path, ["a"])
      yield* leading.node.propose(put("before", "1"))
      const from = settings(path, "b", machine)
      const joining = yield* startRaftNode({ ...from, options: { ...from.options, bootstrap: null } })
      yield* introduce([...members.map(({ node }) => node), joining])
      yield* leading.node.changeMembers({ voters: ["a"], learners: ["b"], expectedIndex: null })
      yield* Stream.runHead(
        Stream.filter(joining.statuses, ({ configuration }) => configuration.learners.includes("b"))
      )
      const { configurationIndex } = yield* leading.node.status
      yield* leading.node.changeMembers({ voters: ["a", "b"], learners: [], expectedIndex: configurationIndex })
      yield* joining.propose(put("after", "2"))
      assert.deepStrictEqual([valueOf(machine, "before"), valueOf(machine, "after")], ["1", "2"])
      const change = { voters: ["a"], learners: [], expectedIndex: configurationIndex }
      const refusal = yield* Effect.flip(leading.node.changeMembers(change))
      assert.strictEqual(refusal.reason, "ConfigurationOutdated")
    })
  )
})
