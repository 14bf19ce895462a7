/**
 * Rule 8 with three real nodes of Raft: a task of the leader keeps on trying while another master takes over. What it
 * submits then goes through a follower to the next leader, and is refused there.
 */
import { assert, describe, it } from "@effect/vitest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Context, Effect, Layer } from "effect"
import { join } from "node:path"
import { freePorts } from "../../../../test/support/FreePort.ts"
import { until } from "../../../../test/support/Wait.ts"
import { CommandRejected } from "../../src/command/CommandError.ts"
import { Commands, type SubmitRequest } from "../../src/command/Commands.ts"
import { WriteGate } from "../../src/command/WriteGate.ts"
import { type Leadership, startLeaderTask } from "../../src/cluster/LeaderTasks.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { Database } from "../../src/state/Database.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { ReplicatedState } from "../../src/state/ReplicatedState.ts"
import { temporaryDirectory } from "../state/TestMaster.ts"

const names = ["a", "b", "c"]
const host = "127.0.0.1"

const layerRaft = (directory: string, id: string, ports: ReadonlyMap<string, number>) =>
  Layer.unwrap(
    Effect.map(ReplicatedState, ({ machine }) =>
      RaftNode.layer({
        options: {
          ...defaultNodeOptions,
          id,
          bootstrap: { voters: names, learners: [], outgoing: [], learnersNext: [], autoLeave: false }
        },
        directory: join(directory, "raft"),
        machine,
        network: { cluster: "test", listen: { host, port: ports.get(id) ?? 0 }, tls: null, allowPlaintext: false },
        peers: new Map([...ports].filter(([name]) => name !== id).map(([name, port]) => [name, { host, port }]))
      })
    )
  )

/** One master's write path, over a node of the cluster. */
const startMaster = (id: string, ports: ReadonlyMap<string, number>) =>
  Effect.flatMap(temporaryDirectory, (directory) =>
    Layer.build(
      Commands.layer.pipe(
        Layer.provideMerge(layerRaft(directory, id, ports)),
        Layer.provideMerge(Layer.mergeAll(ReplicatedState.layer, Reads.layer, WriteGate.layer)),
        Layer.provideMerge(Layer.mergeAll(Events.layer, Database.layerNoDeps)),
        Layer.provideMerge(DataDirectory.layerAt(directory)),
        Layer.provideMerge(Layer.mergeAll(Identifiers.layer, Metrics.layer))
      )
    )
  )

const failure: SubmitRequest = {
  principal: { _tag: "System", component: "test" },
  command: { _tag: "RecordLoginFailure", email: "a@example.com", remote_address: "10.0.0.1" }
}

describe("rule 8: a task of a deposed leader", () => {
  it.live(
    "submits through a follower and is refused, while the new leader's is taken",
    () =>
      Effect.gen(function* () {
        const found = yield* freePorts(names.length)
        const ports = new Map(names.map((name, at) => [name, found[at] ?? 0]))
        const masters = yield* Effect.forEach(names, (name) => startMaster(name, ports), { concurrency: 3 })
        const led: Array<Leadership & { readonly node: RaftNode["Service"]; readonly id: string }> = []
        yield* Effect.forEach(masters, (services) =>
          Effect.gen(function* () {
            const node = yield* RaftNode
            const { id } = yield* node.status
            yield* startLeaderTask({
              name: "kept",
              // It lets its leadership out, as a task would that is stuck in a call when the term ends.
              run: (leadership) =>
                Effect.andThen(
                  Effect.sync(() => led.push({ ...leadership, node, id })),
                  Effect.never
                )
            })
          }).pipe(Effect.provideContext(services as Context.Context<RaftNode | Commands | Metrics>))
        )
        const leaders = Effect.sync(() => led)
        yield* until(leaders, ({ length }) => length === 1, { fact: "one leads" })
        const [first] = led
        if (first === undefined) return assert.fail("nobody leads")
        yield* first.submit(failure)

        const next = names.find((name) => name !== first.id) ?? ""
        yield* until(Effect.andThen(first.node.transferLeadership(next), leaders), ({ length }) => length > 1, {
          fact: "another one leads",
          everyMillis: 500
        })
        const refused = yield* Effect.flip(first.submit(failure))
        assert.instanceOf(refused, CommandRejected)
        assert.strictEqual((refused as CommandRejected).rejection.code, "CONFLICT")
        const last = led.at(-1)
        assert.isAbove(last?.term ?? 0, first.term)
        yield* last?.submit(failure) ?? Effect.void
      }),
    60_000
  )
})
