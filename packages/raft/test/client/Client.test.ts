import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Client } from "@nxmesh/raft/client/Client"
import { MemoryNetwork } from "@nxmesh/raft/transport/MemoryTransport"
import type { Answer } from "@nxmesh/raft/transport/Call"
import { Recorder, until } from "../transport/Recorder.ts"

const configuration = { voters: ["a"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
const address = { host: "memory", port: 1 }

/** A node that answers everything but proposals. */
const open = () => {
  const network = new MemoryNetwork()
  const node = new Recorder()
  const answers: Record<string, Answer> = {
    Describe: { _tag: "Described", leader: "a", configuration, configurationIndex: 1 },
    OpenSession: { _tag: "Opened", session: 5 },
    Query: { _tag: "Answered", index: 9, data: Uint8Array.of(1) },
    ChangeMembers: { _tag: "Failed", failure: { _tag: "Refused", reason: "ConfigurationOutdated", leader: "a" } }
  }
  node.onCall = (call, reply) => {
    const answer = answers[call._tag]
    if (answer !== undefined) reply(answer)
  }
  network.open("a", address, node)
  return { node, options: { addresses: [address], connector: network.connector, timeoutMillis: 10_000 } }
}

describe("a client as effects", () => {
  it.live("answers, and says what to do about a failure", () =>
    Effect.gen(function* () {
      const client = yield* Client.make(open().options)
      assert.deepStrictEqual((yield* client.query(Uint8Array.of(2))).data, Uint8Array.of(1))
      assert.strictEqual((yield* client.describe).leader, "a")
      const error = yield* Effect.flip(client.changeMembers({ voters: ["b"], learners: [], expectedIndex: 0 }))
      assert.strictEqual(error.outcome, "Refused")
      assert.strictEqual(error.reason, "ConfigurationOutdated")
      assert.match(error.message, /decide again/)
    })
  )

  it.live("gives up a call that is interrupted, and acknowledges it", () =>
    Effect.gen(function* () {
      const { node, options } = open()
      const client = yield* Client.make(options)
      const isProposed = (count: number): boolean =>
        node.calls.filter(({ _tag }) => _tag === "Propose").length === count
      const fiber = yield* Effect.forkChild(client.propose(Uint8Array.of(1)))
      yield* Effect.promise(() => until(() => isProposed(1)))
      yield* Fiber.interrupt(fiber)
      yield* Effect.forkChild(client.propose(Uint8Array.of(2)))
      yield* Effect.promise(() => until(() => isProposed(2)))
      assert.deepInclude(node.calls.at(-1), { _tag: "Propose", session: 5, serial: 2, acknowledged: 2 })
    })
  )
})
