import { assert, describe, it } from "@effect/vitest"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { MasterLayer, World } from "./LinkFixture.ts"
import { credentialsOf, keyPair, rawAgent, registration, verdict } from "./RawAgent.ts"

describe("connections that say nothing", () => {
  it.effect("end after ten seconds without a verified call", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const agent = yield* rawAgent(port)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Effect.promise(() => agent.closed), 4_401)
      assert.strictEqual((yield* World).refusals.get("unauthenticated"), 1)
    }).pipe(Effect.provide(MasterLayer))
  )

  it.effect("are cut after half a minute, also when they had registered", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const { token } = yield* (yield* World).agent
      const agent = yield* rawAgent(port)
      const credentials = credentialsOf(yield* Effect.promise(() => agent.enrol(token, keyPair())))
      const answer = yield* Effect.promise(() =>
        agent.call("Register", registration, credentials, { timestampMillis: 0 })
      )
      assert.strictEqual(verdict(answer), "ok")
      for (let passed = 0; passed < 8; passed++) yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Effect.promise(() => agent.closed), 1_006)
    }).pipe(Effect.provide(MasterLayer))
  )
})
