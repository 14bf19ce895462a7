import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import { AgentSessions } from "../../src/agents/AgentSessions.ts"
import { ConfigEngine } from "../../src/config/ConfigEngine.ts"
import { agentId } from "../config/Fixtures.ts"
import { initialise } from "../state/TestCluster.ts"
import { saveAgent, saveHost, submit, tenant } from "../state/TestMaster.ts"
import { connect, generationOf, nextDeploy, onSessions, settled } from "./Connecting.ts"

describe("AgentSessions of a cluster", () => {
  it.effect("tells nobody to deploy anything while the cluster is frozen, and sends what is due after", () =>
    onSessions(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* tenant
        yield* submit(saveHost(1))
        const { connection, directives } = yield* connect()
        yield* connection.reportDeployments(settled(yield* nextDeploy(directives)))
        yield* submit({ _tag: "SetFreeze", frozen: true, reason: "after a restore" })
        yield* submit(saveHost(2))
        const hold = yield* Queue.take(directives)
        assert.strictEqual(hold._tag, "Hold")
        if (hold._tag === "Hold") assert.include(hold.reason, "after a restore")
        const late = yield* connect({ connection_epoch: 2 })
        assert.strictEqual((yield* Queue.take(late.directives))._tag, "Hold")
        assert.strictEqual(yield* Queue.size(directives), 0)
        yield* submit({ _tag: "SetFreeze", frozen: false, reason: "" })
        const deploy = yield* nextDeploy(late.directives)
        assert.strictEqual(generationOf(deploy.update), yield* (yield* ConfigEngine).generation(agentId(1)))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("orders directives by the epoch that the cluster opened (rule 1)", () =>
    onSessions(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* tenant
        const { connection, directives } = yield* connect()
        const before = yield* nextDeploy(directives)
        yield* connection.reportDeployments(settled(before))
        yield* submit({ _tag: "OpenEpoch", reason: "recovered" })
        const hold = yield* Queue.take(directives)
        assert.deepInclude(hold, { _tag: "Hold" })
        yield* submit({ _tag: "SetFreeze", frozen: false, reason: "" })
        yield* submit(saveHost(1))
        const after = yield* nextDeploy(directives)
        assert.deepStrictEqual([before.order.epoch, after.order.epoch], [1, 2])
        assert.strictEqual((yield* connect({ connection_epoch: 2 })).connection.clusterEpoch, 2)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("tells other masters to agents that know the directive, and to no others", () =>
    onSessions(
      Effect.gen(function* () {
        const sessions = yield* AgentSessions
        yield* tenant
        yield* submit(saveAgent(2))
        const serving = yield* (yield* ConfigEngine).generation(agentId(1))
        for (const protocol of [1, 2]) {
          const { directives } = yield* connect({ serving, connection_epoch: protocol }, serving, { protocol })
          yield* sessions.announce({ _tag: "Masters", masters: ["m1:8443", "m2:8443"] })
          yield* sessions.dismiss(agentId(1), "enough")
          const first = yield* Queue.take(directives)
          assert.strictEqual(first._tag, protocol === 1 ? "Goodbye" : "Masters")
        }
      }).pipe(Effect.scoped)
    )
  )

  it.effect("closes the connection of an agent that was sent elsewhere and stays", () =>
    onSessions(
      Effect.gen(function* () {
        const sessions = yield* AgentSessions
        yield* tenant
        const closed: Array<string> = []
        yield* connect({}, null, { close: (why) => void closed.push(why) })
        yield* sessions.dismiss(agentId(1), "enough")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(closed, [])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(closed, ["elsewhere"])
      }).pipe(Effect.scoped)
    )
  )

  it.effect("takes no agent for the reason that it was given, until it is taken back", () =>
    onSessions(
      Effect.gen(function* () {
        const sessions = yield* AgentSessions
        yield* tenant
        yield* sessions.refuse("no leader for 10 s")
        const refusal = yield* Effect.flip(connect())
        assert.deepInclude(refusal, { reason: "unavailable", permanent: false, detail: "no leader for 10 s" })
        yield* sessions.refuse(null)
        yield* connect()
      }).pipe(Effect.scoped)
    )
  )

  it.effect("sends an agent that has seen a newer state than this master elsewhere, after a moment (rule 1)", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        const asked = yield* Effect.forkChild(Effect.flip(connect({ highest_order: { epoch: 1, index: 1_000_000 } })), {
          startImmediately: true
        })
        yield* TestClock.adjust("3 seconds")
        const refusal = yield* Fiber.join(asked)
        assert.strictEqual(refusal.reason, "behind")
        assert.isFalse(refusal.permanent)
      }).pipe(Effect.scoped)
    )
  )

  it.effect(
    "never sends older configuration to an agent that saw more elsewhere: it waits until this master is there (rule 1)",
    () =>
      onSessions(
        Effect.gen(function* () {
          yield* tenant
          const { index } = yield* submit(saveHost(1))
          const highest = { epoch: 1, index: index + 2 }
          const connecting = yield* Effect.forkChild(connect({ highest_order: highest }), { startImmediately: true })
          yield* TestClock.adjust("100 millis")
          assert.isUndefined(connecting.pollUnsafe())
          yield* submit(saveHost(2))
          yield* submit(saveHost(3))
          yield* TestClock.adjust("100 millis")
          const { directives } = yield* Fiber.join(connecting)
          const deploy = yield* nextDeploy(directives)
          assert.isAtLeast(deploy.order.index, highest.index)
          assert.strictEqual(generationOf(deploy.update), yield* (yield* ConfigEngine).generation(agentId(1)))
        }).pipe(Effect.scoped)
      )
  )
})
