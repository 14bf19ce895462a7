/** The state under real Raft nodes: what a power cut took comes back, and another master gets the whole of it. */
import { assert, describe, it } from "@effect/vitest"
import type { Configuration } from "@nxmesh/raft/core/Types"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { startRaftNode } from "@nxmesh/raft/node/RaftNode"
import type { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Effect, Queue, Stream } from "effect"
import { cpSync, readdirSync, rmSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { until } from "../../../../../test/support/Wait.ts"
import { Database } from "../../../src/state/Database.ts"
import { Events } from "../../../src/state/Events.ts"
import { decodeOutcome, encodeProposal } from "../../../src/state/replica/CommandBytes.ts"
import { ReplicatedState } from "../../../src/state/ReplicatedState.ts"
import { saveOrganization, temporaryDirectory } from "../TestMaster.ts"
import { dump, inState, proposalOf } from "./TestState.ts"

type Node = RaftNode["Service"]

const alone = (id: string): Configuration => ({
  voters: [id],
  learners: [],
  outgoing: [],
  learnersNext: [],
  autoLeave: false
})

/** A snapshot after a few commands, and hardly a log behind it. */
const options = { ...defaultNodeOptions, tickMillis: 50, snapshotLogBytes: 8_192, trailingEntries: 4 }

const node = Effect.fnUntraced(function* (
  directory: string,
  id: string,
  peers: ReadonlyMap<string, Node["address"]> = new Map()
) {
  const { machine } = yield* ReplicatedState
  return yield* startRaftNode({
    options: { ...options, id, bootstrap: peers.size === 0 ? alone(id) : null },
    directory: join(directory, "raft"),
    machine,
    network: { cluster: "test", listen: { host: "127.0.0.1", port: 0 }, tls: null, allowPlaintext: false },
    peers
  })
})

const leads = (one: Node) => Stream.runHead(Stream.filter(one.statuses, ({ role }) => role === "Leader"))

const save = Effect.fnUntraced(function* (one: Node, from: number, to: number) {
  for (let number = from; number <= to; number++) {
    const { result } = yield* one.propose(encodeProposal(proposalOf(saveOrganization(number))))
    assert.strictEqual(decodeOutcome(result)._tag, "Accepted")
  }
})

const organizations = Effect.map(Database, ({ reader }) =>
  reader.get<{ readonly n: number }>("SELECT count(*) AS n FROM organizations")
)

const snapshotsTaken = (one: Node) => Effect.map(one.status, ({ counters }) => counters.snapshotsTaken)

describe("rule 9: after a power cut a master has what was acknowledged", { timeout: 60_000 }, () => {
  const losses: Readonly<Record<string, (state: string) => void>> = {
    "when the -wal is gone": (state) => {
      for (const name of readdirSync(state)) if (/-(wal|shm)$/.test(name)) rmSync(join(state, name))
    },
    "when the -wal lost its end": (state) => {
      for (const name of readdirSync(state)) {
        if (name.endsWith("-shm")) rmSync(join(state, name))
        if (name.endsWith("-wal")) truncateSync(join(state, name), 100_000)
      }
    },
    "when the whole state is gone": (state) => rmSync(state, { recursive: true })
  }

  it.live.each(Object.keys(losses))("%s, from the log or from its own snapshot", (name) =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const cut = yield* temporaryDirectory
      const before = yield* Effect.gen(function* () {
        const one = yield* node(directory, "a")
        yield* leads(one)
        yield* save(one, 1, 60)
        yield* until(snapshotsTaken(one), (taken) => taken > 0, { fact: "a snapshot was taken" })
        yield* save(one, 61, 80)
        // As the disk is while the node runs.
        cpSync(directory, cut, { recursive: true })
        return yield* dump
      }).pipe(Effect.scoped, inState(directory))
      losses[name]?.(join(cut, "state"))
      yield* Effect.gen(function* () {
        const one = yield* node(cut, "a")
        yield* leads(one)
        yield* one.read
        assert.deepStrictEqual(yield* organizations, { n: 80 })
        const rows = Object.fromEntries(yield* dump)
        const had = Object.fromEntries(before)
        for (const table of ["organizations", "audit"]) assert.deepStrictEqual(rows[table], had[table])
        yield* save(one, 81, 82)
      }).pipe(Effect.scoped, inState(cut))
    })
  )
})

describe("a master that joins late", { timeout: 60_000 }, () => {
  it.live("gets the state as a snapshot, then the commands, and its followers start over", () =>
    Effect.gen(function* () {
      const first = yield* temporaryDirectory
      const second = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        const one = yield* node(first, "a")
        yield* leads(one)
        yield* save(one, 1, 60)
        yield* until(snapshotsTaken(one), (taken) => taken > 0, { fact: "a snapshot was taken" })
        yield* save(one, 61, 70)
        yield* Effect.gen(function* () {
          const { subscribe } = yield* Events
          const queue = yield* subscribe
          const other = yield* node(second, "b", new Map([["a", one.address]]))
          yield* one.setPeers(new Map([["b", other.address]]))
          yield* one.changeMembers({ voters: ["a"], learners: ["b"], expectedIndex: null })
          yield* until(organizations, (found) => found?.n === 70, { fact: "the other master has all of it" })
          assert.deepInclude(yield* Queue.take(queue), { event: { _tag: "StateReset" } })
          yield* save(one, 71, 72)
          yield* until(organizations, (found) => found?.n === 72, { fact: "the other master follows" })
          assert.strictEqual((yield* other.status).counters.snapshotsInstalled, 1)
        }).pipe(Effect.scoped, inState(second))
      }).pipe(Effect.scoped, inState(first))
    })
  )
})
