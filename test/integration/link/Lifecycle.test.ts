import { assert, describe, it } from "@effect/vitest"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { LinkConnections } from "@nxmesh/master/link/LinkConnection"
import { DeploymentId, Generation, KeyId } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Context, Effect, Exit, Layer, Queue, Scope } from "effect"
import { freePort } from "../../support/FreePort.ts"
import { until } from "../../support/Wait.ts"
import { memory, World } from "./LinkFixture.ts"
import { startLink } from "./LinkUnderTest.ts"
import { credentialsOf, keyPair, rawAgent, registration, verdict } from "./RawAgent.ts"

/** One cluster of which masters can be started and stopped. */
const cluster = Effect.gen(function* () {
  const shared = yield* Layer.build(memory)
  const start = Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const context = yield* Layer.buildWithScope(Layer.fresh(AgentServer.layer), scope).pipe(
      Effect.provideContext(shared)
    )
    return {
      port: Context.get(context, AgentServer).port,
      connections: Context.get(context, LinkConnections),
      stop: Scope.close(scope, Exit.void)
    }
  })
  return { world: Context.get(shared, World), start }
})

const outcome = (number: number): DeploymentOutcome => ({
  id: DeploymentId.make(`018f0000-0000-7000-8000-00000000000${number}`),
  generation: Generation.make("a".repeat(64)),
  status: "settled",
  started_at: "2026-03-02T14:30:00.000Z",
  finished_at: "2026-03-02T14:30:01.000Z",
  serving_after_millis: 5,
  settled_after_millis: 100,
  serving_generation: Generation.make("a".repeat(64)),
  warnings: [],
  error: null
})

describe("the life of a link", () => {
  it.live("reaches the next master when the first is down", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { port } = yield* start
      const { token } = yield* world.agent
      const { is } = yield* startLink({
        ports: [yield* freePort, port],
        token,
        fingerprint: world.authorityFingerprint
      })
      assert.include((yield* is("READY")).url, String(port))
    })
  )

  it.live("goes elsewhere at once when its master stops in good order", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const [one, other] = [yield* start, yield* start]
      const { token } = yield* world.agent
      const { is, link } = yield* startLink({
        ports: [one.port, other.port],
        token,
        fingerprint: world.authorityFingerprint
      })
      yield* is("READY")
      yield* one.stop
      const state = yield* until(
        link.state,
        ({ phase, url }) => phase === "READY" && url?.includes(String(other.port)) === true,
        {
          fact: "the agent is on the other master",
          timeoutMillis: 5_000
        }
      )
      assert.strictEqual(state.phase, "READY")
      assert.strictEqual(world.registrations.length, 2)
    })
  )

  it.live("comes back by itself after its connection broke", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { connections, port } = yield* start
      const { token } = yield* world.agent
      const { is } = yield* startLink({ ports: [port], token, fingerprint: world.authorityFingerprint })
      yield* is("READY")
      for (const connection of connections.all()) connection.close(1_011, "broke")
      yield* until(
        Effect.sync(() => world.registrations.length),
        (made) => made === 2,
        { fact: "it registered again" }
      )
      yield* is("READY")
    })
  )

  it.live("knows a removal from a failure, and says what to do", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { connections, port } = yield* start
      const { id, token } = yield* world.agent
      const { is } = yield* startLink({ ports: [port], token, fingerprint: world.authorityFingerprint })
      yield* is("READY")
      world.remove(id)
      for (const connection of connections.all()) connection.close(1_011, "broke")
      assert.include((yield* is("ERROR")).detail, "the agent was removed")
    })
  )

  it.live("signs with a new key when it is told to rotate", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { port } = yield* start
      const { id, token } = yield* world.agent
      const { identity, is, outcomes } = yield* startLink({
        ports: [port],
        token,
        fingerprint: world.authorityFingerprint
      })
      yield* is("READY")
      const before = (yield* identity.enrolled)?.keyId
      yield* Queue.offer(world.directives(id), {
        _tag: "RotateKey",
        key_id: KeyId.make("018f0000-0000-7000-8000-000000000009")
      })
      yield* until(identity.enrolled, (enrolled) => enrolled?.keyId !== before, { fact: "the key is another" })
      yield* outcomes.add(outcome(1))
      yield* until(
        Effect.sync(() => world.deployments.length),
        (made) => made === 1,
        { fact: "a call was signed with it" }
      )
    })
  )

  it.live("keeps outcomes until the master has them for good, over reconnects", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { connections, port } = yield* start
      const { token } = yield* world.agent
      world.full = true
      const { is, outcomes } = yield* startLink({ ports: [port], token, fingerprint: world.authorityFingerprint })
      yield* outcomes.add(outcome(1))
      yield* is("READY")
      yield* until(
        Effect.sync(() => world.refusals.get("unavailable") ?? 0),
        (times) => times >= 2,
        {
          fact: "the outcome was offered twice"
        }
      )
      for (const connection of connections.all()) connection.close(1_011, "broke")
      yield* outcomes.add(outcome(2))
      world.full = false
      yield* until(
        Effect.sync(() => world.deployments.flatMap(({ outcomes: all }) => all.map(({ id }) => id))),
        (ids) => ids.length >= 2,
        {
          fact: "both outcomes arrived"
        }
      )
      const ids = world.deployments.flatMap(({ outcomes: all }) => all.map(({ id }) => id))
      assert.deepStrictEqual(ids, [outcome(1).id, outcome(2).id])
    })
  )

  it.live("lets the newest connection of an agent win", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { port } = yield* start
      const { token } = yield* world.agent
      const one = yield* rawAgent(port)
      const credentials = credentialsOf(yield* Effect.promise(() => one.enrol(token, keyPair())))
      const register = (agent: typeof one, connection_epoch: number) =>
        Effect.map(
          Effect.promise(() => agent.call("Register", { ...registration, connection_epoch }, credentials)),
          verdict
        )
      assert.strictEqual(yield* register(one, 5), "ok")
      const late = yield* rawAgent(port)
      assert.strictEqual(yield* register(late, 4), "superseded")
      const newer = yield* rawAgent(port)
      assert.strictEqual(yield* register(newer, 6), "ok")
      assert.strictEqual(yield* Effect.promise(() => one.closed), 4_409)
    })
  )
})
