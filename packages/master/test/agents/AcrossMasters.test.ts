import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import { AgentPresence } from "../../src/agents/AgentPresence.ts"
import { SessionRouter } from "../../src/agents/SessionRouter.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId } from "../config/Fixtures.ts"
import { engineLayer } from "../config/TestEngine.ts"
import { clusterOf, masterId } from "../state/TestCluster.ts"
import { saveHost, submit, temporaryDirectory, tenant } from "../state/TestMaster.ts"
import { connectTo, severalMasters, type TestMaster } from "./SeveralMasters.ts"
import { until } from "../../../../test/support/Wait.ts"

const agent = agentId(1)

/** Three members, and two of them as processes. */
const onTwoMasters = <A, E, R>(
  test: (
    one: TestMaster,
    two: TestMaster,
    all: Effect.Success<ReturnType<typeof severalMasters>>
  ) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(temporaryDirectory, (directory) =>
    Effect.gen(function* () {
      yield* clusterOf(3)
      yield* tenant
      const all = yield* severalMasters(3)
      return yield* test(yield* all.start(1), yield* all.start(2), all)
    }).pipe(Effect.provide(engineLayer(directory)))
  )

const seenBy = ({ services }: TestMaster) => Context.get(services, AgentPresence).whereabouts(agent)
const isPresent = (master: TestMaster) => Effect.map(seenBy(master), ({ present }) => present)
const claim = Reads.use((reads) => reads.agentClaim(agent))
/** Lets what is due happen, then what that causes. */
const pass = (duration: `${number} seconds`) => Effect.andThen(TestClock.adjust(duration), settle)
const settle = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const claimed = (master: number) =>
  until(Effect.andThen(pass("1 seconds"), claim), (held) => held?.master_id === masterId(master), {
    fact: `master ${master} has the claim`
  })

const health: HealthReport = {
  timestamp: "2026-03-02T14:30:00.000Z",
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 1 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 1, disk_used_gb: 1, disk_total_gb: 1 },
  config_checksum: null,
  alerts: []
}

describe("an agent with two masters (rule 16)", () => {
  it.effect("has two live connections resolved to one: the newest stays, the other is closed", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const old = yield* connectTo(one, agent, { connection_epoch: 4 })
        yield* claimed(1)
        const young = yield* connectTo(two, agent, { connection_epoch: 5 })
        yield* claimed(2)
        yield* until(
          Effect.sync(() => old.closed),
          (closed) => closed.includes("superseded"),
          { fact: "it is closed" }
        )
        assert.deepStrictEqual(young.closed, [])
        assert.strictEqual((yield* claim)?.connection_epoch, 5)
        const text = yield* (yield* Metrics).text
        assert.include(text, 'nxmesh_master_agent_claims_total{result="claimed"} 2')
        assert.include(text, 'nxmesh_master_agent_claims_total{result="superseded"} 1')
        assert.include(text, "nxmesh_master_agent_claims_pending 0")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("has the older connection closed also when that one is claimed last", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const young = yield* connectTo(two, agent, { connection_epoch: 5 })
        yield* claimed(2)
        const old = yield* connectTo(one, agent, { connection_epoch: 4 })
        yield* until(
          Effect.andThen(
            pass("1 seconds"),
            Effect.sync(() => old.closed)
          ),
          (closed) => closed.includes("superseded"),
          { fact: "the late one is closed" }
        )
        assert.deepStrictEqual(young.closed, [])
        assert.strictEqual((yield* claim)?.master_id, masterId(2))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("does not lose its connection to a claim of its master's process before a restart", () =>
    onTwoMasters((one, _, { start }) =>
      Effect.gen(function* () {
        yield* connectTo(one, agent, { connection_epoch: 4 })
        yield* claimed(1)
        const before = (yield* claim)?.incarnation
        yield* one.die
        const again = yield* connectTo(yield* start(1), agent, { connection_epoch: 5 })
        yield* until(Effect.andThen(pass("1 seconds"), claim), (held) => held?.incarnation !== before, {
          fact: "the new process has the claim"
        })
        assert.deepStrictEqual(again.closed, [])
      }).pipe(Effect.scoped)
    )
  )
})

describe("presence", () => {
  it.effect("knows on every master who is connected to which, with its health", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const { connection } = yield* connectTo(one, agent)
        yield* connection.reportHealth(health)
        const there = yield* until(Effect.andThen(pass("2 seconds"), seenBy(two)), ({ at }) => at === one.id, {
          fact: "the other master knows"
        })
        assert.isTrue(there.present)
        assert.deepStrictEqual(there.newest?.health, health)
        const text = yield* (yield* Metrics).text
        assert.match(text, /nxmesh_master_agent_presence_questions_total{result="answered"} [1-9]/)
        assert.match(text, /nxmesh_master_agent_sightings_total [1-9]/)
        assert.strictEqual((yield* seenBy(one)).at, one.id)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("calls no agent of a dead master offline within the grace, and calls it so after", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        yield* connectTo(one, agent)
        yield* until(Effect.andThen(pass("2 seconds"), seenBy(two)), ({ at }) => at === one.id, { fact: "it is known" })
        yield* one.die
        yield* pass("13 seconds")
        assert.isTrue(yield* isPresent(two))
        yield* pass("4 seconds")
        assert.isFalse(yield* isPresent(two))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("never calls an agent offline that fails over to another master within the grace", () =>
    onTwoMasters((one, two, { start }) =>
      Effect.gen(function* () {
        const three = yield* start(3)
        yield* connectTo(one, agent, { connection_epoch: 1 })
        yield* claimed(1)
        yield* pass("2 seconds")
        yield* one.die
        yield* pass("5 seconds")
        for (const master of [two, three]) assert.isTrue(yield* isPresent(master))
        yield* connectTo(two, agent, { connection_epoch: 2 })
        for (let second = 0; second < 30; second++) {
          yield* pass("1 seconds")
          for (const master of [two, three]) assert.isTrue(yield* isPresent(master), `after ${second} s`)
        }
        assert.strictEqual((yield* seenBy(three)).at, two.id)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("calls an agent offline at once that left by itself", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const { leave } = yield* connectTo(one, agent)
        yield* claimed(1)
        yield* pass("2 seconds")
        assert.isTrue(yield* isPresent(two))
        yield* leave
        yield* pass("2 seconds")
        for (const master of [one, two]) assert.isFalse(yield* isPresent(master))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("gives the agents of its own process before a restart the grace to come back", () =>
    onTwoMasters((one, _, { start }) =>
      Effect.gen(function* () {
        yield* connectTo(one, agent)
        yield* claimed(1)
        yield* one.die
        const again = yield* start(1)
        assert.isTrue(yield* isPresent(again))
        yield* pass("16 seconds")
        assert.isFalse(yield* isPresent(again))
      }).pipe(Effect.scoped)
    )
  )
})

describe("SessionRouter", () => {
  const ask = ({ services }: TestMaster) => Context.get(services, SessionRouter).ask(agent, { _tag: "Describe" })
  const tell = ({ services }: TestMaster) => Context.get(services, SessionRouter).tell(agent, { _tag: "DeployAgain" })

  it.effect("asks and tells a session from any master", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        yield* submit(saveHost(1))
        yield* connectTo(one, agent)
        yield* claimed(1)
        const here = yield* ask(one)
        assert.deepStrictEqual(yield* ask(two), here)
        assert.strictEqual(here._tag, "Described")
        yield* tell(two)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("knows an agent that is nowhere from a master that cannot be reached", () =>
    onTwoMasters((one, two, { cut }) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(ask(two))).reason, "NotConnected")
        yield* connectTo(one, agent)
        yield* claimed(1)
        cut.add(one.id)
        assert.strictEqual((yield* Effect.flip(tell(two))).reason, "Unreachable")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("finds an agent by its claim before anyone has told where it is", () =>
    onTwoMasters((one, two, { cut }) =>
      Effect.gen(function* () {
        cut.add(one.id)
        yield* connectTo(one, agent)
        yield* claimed(1)
        cut.delete(one.id)
        assert.strictEqual((yield* ask(two))._tag, "Described")
      }).pipe(Effect.scoped)
    )
  )
})
