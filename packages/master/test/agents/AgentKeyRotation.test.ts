import { assert, describe, it } from "@effect/vitest"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Clock, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { layerAgentKeyRotation } from "../../src/agents/AgentKeyRotation.ts"
import { AgentSessions } from "../../src/agents/AgentSessions.ts"
import { KnownAgents, type Seat } from "../../src/agents/KnownAgents.ts"
import { Limits } from "../../src/Limits.ts"
import { Database } from "../../src/state/Database.ts"
import { agentId, uuid } from "../config/Fixtures.ts"
import { initialise } from "../state/TestCluster.ts"
import { onMaster, sealed, submit } from "../state/TestMaster.ts"

const count = 25

/** Agents that are connected, each with a session key of the given age; the names of those that were asked for a new one. */
const connected = Effect.fnUntraced(function* (rotatedAt: string | null) {
  const { writer } = yield* Database
  const known = new KnownAgents()
  const asked: Array<AgentId> = []
  for (let number = 1; number <= count; number++) {
    const id = agentId(number)
    writer.run(
      "INSERT INTO agent_keys (agent_id, public_key, primary_id, primary_key) VALUES (?, 'p', ?, ?)",
      id,
      uuid(3, number),
      JSON.stringify(sealed("key"))
    )
    if (rotatedAt !== null) {
      writer.run("INSERT INTO agent_key_times (agent_id, rotated_at) VALUES (?, ?)", id, rotatedAt)
    }
    const session = { announce: () => Effect.sync(() => void asked.push(id)) }
    known.seen(id, "now", {
      connected: true,
      seat: { session, protocol: 3, close: () => undefined } as unknown as Seat
    })
  }
  return { asked, sessions: Layer.mock(AgentSessions)({ known, isAccepting: () => true }) }
})

const atVersion4 = submit({ ...initialise(), cluster_version: 4 } as Parameters<typeof submit>[0])

describe("the rotation of agents' session keys", () => {
  it.effect("asks a few agents every second, each once, and again after a minute while nothing came of it", () =>
    onMaster(
      Effect.gen(function* () {
        yield* atVersion4
        const { asked, sessions } = yield* connected(null)
        yield* Layer.build(layerAgentKeyRotation.pipe(Layer.provide(sessions)))
        const perSecond = Limits.keys.agentsRotatedPerSecond
        for (let second = 1; second <= 4; second++) {
          yield* TestClock.adjust("1 second")
          assert.isAtMost(asked.length, perSecond * (second + 1))
        }
        assert.strictEqual(asked.length, count)
        assert.strictEqual(new Set(asked).size, count)
        yield* TestClock.adjust("50 seconds")
        assert.strictEqual(asked.length, count)
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(asked.length, 2 * count)
      })
    )
  )

  it.effect("asks nobody whose key is young, until somebody wants all of them replaced", () =>
    onMaster(
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        yield* atVersion4
        const now = new Date((yield* Clock.currentTimeMillis) - 1).toISOString()
        const { asked, sessions } = yield* connected(now)
        yield* Layer.build(layerAgentKeyRotation.pipe(Layer.provide(sessions)))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(asked.length, 0)
        yield* submit({ _tag: "RotateAgentKeys" })
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(new Set(asked).size, count)
      })
    )
  )
})
