/** Nodes on real disks and sockets that begin with a state from elsewhere, or go on alone after a majority was lost. */
import { assert, describe, it } from "@effect/vitest"
import type { Configuration } from "@nxmesh/raft/core/Types"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { startRaftNode } from "@nxmesh/raft/node/RaftNode"
import type { RaftNode, RaftNodeSettings } from "@nxmesh/raft/node/RaftNode"
import { recoverNode } from "@nxmesh/raft/node/Recover"
import { seedNode } from "@nxmesh/raft/node/Seed"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { MemoryKeyValue } from "@nxmesh/raft/testing/machine/MemoryKeyValue"
import type { Address } from "@nxmesh/raft/transport/Transport"
import { Effect, Exit, Scope, Stream } from "effect"
import { join } from "node:path"
import { temporaryDirectory } from "../TemporaryDirectory.ts"

type Node = RaftNode["Service"]

interface Member {
  readonly id: string
  readonly node: Node
  readonly machine: MemoryKeyValue
  readonly close: Effect.Effect<void>
}

const among = (...voters: ReadonlyArray<string>): Configuration => ({
  voters,
  learners: [],
  outgoing: [],
  learnersNext: [],
  autoLeave: false
})

interface Start {
  readonly id: string
  readonly folder?: string
  readonly machine?: MemoryKeyValue
  readonly bootstrap?: Configuration | null
  readonly cluster?: string
  readonly port?: number
  readonly peers?: ReadonlyMap<string, Address>
}

/** In a scope of its own; `close` ends it before the test does. */
const start = Effect.fnUntraced(function* (path: string, from: Start): Effect.fn.Return<Member, unknown, Scope.Scope> {
  const { id, folder = id, machine = new MemoryKeyValue(), bootstrap = null, cluster = "old", port = 0 } = from
  const settings: RaftNodeSettings = {
    options: { ...defaultNodeOptions, tickMillis: 50, id, bootstrap },
    directory: join(path, folder),
    machine,
    network: { cluster, listen: { host: "127.0.0.1", port }, tls: null, allowPlaintext: false },
    peers: from.peers ?? new Map()
  }
  const scope = yield* Effect.acquireRelease(Scope.make(), (opened) => Scope.close(opened, Exit.void))
  const node = yield* Scope.provide(startRaftNode(settings), scope)
  return { id, node, machine, close: Scope.close(scope, Exit.void) }
})

const introduce = Effect.fnUntraced(function* (members: ReadonlyArray<Member>) {
  const peers = new Map(members.map(({ id, node }) => [id, node.address]))
  for (const { node } of members) yield* node.setPeers(peers)
  return peers
})

const put = (key: string, value: string): Uint8Array => encodeCommand({ kind: "put", key, value })

const valueOf = (machine: MemoryKeyValue, key: string): unknown => {
  const result = decodeResult(machine.query(encodeCommand({ kind: "get", key })))
  return result.kind === "get" ? result.value : undefined
}

/** The key-value machine as it is after `index` entries that nobody has any more. */
const stateAt = (index: number): Uint8Array => {
  const machine = new MemoryKeyValue()
  machine.apply({
    commands: [{ index, term: 1, millis: 0, data: put("from", "elsewhere") }],
    last: { index, term: 1 },
    sessionChanges: () => ({ expired: [], used: [], forgotten: [], answered: [] })
  })
  return machine.image()
}

describe("a node on a seeded directory", { timeout: 60_000 }, () => {
  it.live("goes on after the snapshot, and whoever joins it gets the snapshot first", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const image = stateAt(1_000)
      const read = (offset: number, bytesMax: number) => Effect.succeed(image.slice(offset, offset + bytesMax))
      const snapshot = { index: 1_000, term: 1, configuration: among("a"), bytes: image.length, read }
      yield* seedNode({ directory: join(path, "a"), id: "a", snapshot })
      const first = yield* start(path, { id: "a" })
      const { index } = yield* first.node.propose(put("then", "here"))
      // The leader's empty entry, the opening of the node's session, and the command.
      assert.strictEqual(index, 1_003)
      assert.strictEqual(valueOf(first.machine, "from"), "elsewhere")

      const joining = yield* start(path, { id: "b" })
      yield* introduce([first, joining])
      yield* first.node.changeMembers({ voters: ["a"], learners: ["b"], expectedIndex: 1_000 })
      yield* Stream.runHead(Stream.filter(joining.node.statuses, ({ counters }) => counters.snapshotsInstalled === 1))
      yield* joining.node.read
      assert.deepStrictEqual(
        [valueOf(joining.machine, "from"), valueOf(joining.machine, "then")],
        ["elsewhere", "here"]
      )
    })
  )
})

describe("a node that is recovered", { timeout: 60_000 }, () => {
  it.live("has all that was acknowledged, and the lost ones, back under the old name, cannot disturb it", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const ids = ["a", "b", "c"]
      const old = yield* Effect.forEach(ids, (id) => start(path, { id, bootstrap: among(...ids) }), {
        concurrency: "unbounded"
      })
      const addresses = yield* introduce(old)
      for (let i = 0; i < 20; i++) yield* old[i % 3]!.node.propose(put(`k${i}`, `${i}`))
      yield* old[0]!.node.read
      const seen = Math.max(...(yield* Effect.forEach(old, ({ node }) => Effect.map(node.status, ({ term }) => term))))
      yield* Effect.forEach(old, ({ close }) => close, { concurrency: "unbounded" })

      const { term } = yield* recoverNode({ directory: join(path, "a"), id: "a2" })
      assert.isAbove(term, seen)
      const port = addresses.get("a")?.port ?? 0
      const survivor = yield* start(path, { id: "a2", folder: "a", cluster: "new", port, peers: addresses })
      yield* survivor.node.read
      for (let i = 0; i < 20; i++) assert.strictEqual(valueOf(survivor.machine, `k${i}`), `${i}`)
      const before = yield* survivor.node.status
      assert.deepStrictEqual(before.configuration, among("a2"))

      const lost = yield* Effect.forEach(["b", "c"], (id) =>
        start(path, { id, bootstrap: among(...ids), port: addresses.get(id)?.port ?? 0, peers: addresses })
      )
      // They are a majority of the old cluster: they may lead each other.
      yield* lost[0]!.node.propose(put("k0", "from the old cluster"))
      yield* survivor.node.propose(put("after", "it"))
      const after = yield* survivor.node.status
      assert.deepStrictEqual([after.role, after.term], ["Leader", before.term])
      assert.deepStrictEqual([valueOf(survivor.machine, "k0"), valueOf(survivor.machine, "after")], ["0", "it"])
      assert.isNull(valueOf(lost[0]!.machine, "after"))
    })
  )
})
