import { assert, describe, it } from "@effect/vitest"
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { Outbox } from "@nxmesh/agent/outbox/Outbox"
import { islandHandlers } from "@nxmesh/agent/link/Island"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { freePort } from "../../support/FreePort.ts"
import { until } from "../../support/Wait.ts"
import { memory, World } from "./LinkFixture.ts"
import { dataDirectory, startLink } from "./LinkUnderTest.ts"

const cluster = Effect.gen(function* () {
  const shared = yield* Layer.build(memory)
  const port = yield* freePort
  const start = Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const context = yield* Layer.buildWithScope(Layer.fresh(AgentServer.layer), scope).pipe(
      Effect.provideContext(shared)
    )
    return { port: Context.get(context, AgentServer).port, stop: Scope.close(scope, Exit.void) }
  })
  return { world: Context.get(shared, World), start, port }
})

const report = (second: number) => ({
  timestamp: `2026-03-02T14:30:0${second}.000Z`,
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
})
const metrics = (value: number) => ({ timestamp: report(0).timestamp, samples: [{ name: "n", labels: {}, value }] })

/** An outbox in a directory, with the handlers that the agent's link has. */
const agent = Effect.fnUntraced(function* (directory: string) {
  const context = yield* Layer.build(
    Layer.fresh(
      Layer.merge(
        Outbox.layer({ dataDirectory: directory, bytesMax: 1_048_576, isUsed: true }).pipe(
          Layer.provide(AlertBoard.layer)
        ),
        CurrentPolicy.layer(directory)
      )
    )
  )
  const health = () => Stream.concat(Stream.make(report(1), report(2)), Stream.never)
  const handlers = yield* islandHandlers(health).pipe(Effect.provideContext(context))
  const outbox = Context.get(context, Outbox)
  return {
    outbox,
    handlers: { ...handlers, health },
    offer: (value: number) => outbox.offer("metrics", metrics(value))
  }
})

/** What arrived, in the order in which it did: the values of metrics, the seconds of health. */
const arrived = (batches: World["Service"]["outbox"]): ReadonlyArray<string> =>
  batches.flatMap(({ entries }) =>
    entries.map(({ kind, report: text }) => {
      const { samples, timestamp } = JSON.parse(text)
      return kind === "metrics" ? `metrics ${samples[0].value}` : `${kind} ${String(timestamp).slice(17, 19)}`
    })
  )
const hasArrived = (world: World["Service"], count: number) =>
  until(
    Effect.sync(() => arrived(world.outbox)),
    (seen) => seen.length >= count,
    { fact: `${count} reports arrived` }
  )

describe("what an agent saw without a master", () => {
  it.live("arrives once and in order at the next master, after what it had told the last one", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { token } = yield* world.agent
      const directory = yield* dataDirectory
      const { handlers, offer, outbox } = yield* agent(directory)
      const common = { token, fingerprint: world.authorityFingerprint, dataDirectory: directory, handlers }
      yield* offer(1)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { port, stop } = yield* start
          yield* startLink({ ports: [port], ...common })
          yield* hasArrived(world, 1)
          yield* until(outbox.status, ({ bytes }) => bytes === 0, { fact: "all of it was sent" })
          yield* stop
          yield* until(outbox.status, ({ reports }) => reports.health > 0, { fact: "the health of the island waits" })
        })
      )
      const before = world.outbox.length
      yield* offer(2)
      const { port } = yield* start
      yield* startLink({ ports: [port], ...common })
      yield* until(outbox.status, ({ bytes }) => bytes === 0, { fact: "all of it was sent" })
      const sequences = world.outbox.flatMap(({ entries }) => entries.map(({ sequence }) => sequence))
      assert.deepStrictEqual(
        sequences,
        [...new Set(sequences)].toSorted((x, y) => x - y)
      )
      assert.include(arrived(world.outbox.slice(0, before)), "metrics 1")
      const later = arrived(world.outbox.slice(before))
      assert.includeMembers([...later], ["metrics 2", "health 01"])
      assert.notInclude(later, "metrics 1")
    })
  )

  it.live("waits while a master cannot take it, which costs no connection, and arrives later", () =>
    Effect.gen(function* () {
      const { start, world } = yield* cluster
      const { port } = yield* start
      const { token } = yield* world.agent
      const directory = yield* dataDirectory
      const { handlers, offer, outbox } = yield* agent(directory)
      world.full = true
      const { is } = yield* startLink({
        ports: [port],
        token,
        fingerprint: world.authorityFingerprint,
        dataDirectory: directory,
        handlers
      })
      yield* is("READY")
      yield* offer(1)
      yield* until(
        Effect.sync(() => world.refusals.get("telemetry") ?? 0),
        (count) => count > 0,
        { fact: "the master refused the batch" }
      )
      yield* offer(2)
      assert.strictEqual(world.registrations.length, 1)
      world.full = false
      yield* until(outbox.status, ({ bytes }) => bytes === 0, { fact: "nothing waits any more" })
      const values = arrived(world.outbox).filter((one) => one.startsWith("metrics"))
      assert.deepStrictEqual(values, ["metrics 1", "metrics 2"])
      assert.strictEqual(world.registrations.length, 1)
    })
  )
})
