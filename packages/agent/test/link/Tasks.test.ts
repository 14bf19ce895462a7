import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import { Link } from "@nxmesh/agent/link/Link"
import { LinkLost } from "@nxmesh/agent/link/LinkLost"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import { Tasks } from "@nxmesh/agent/link/Tasks"
import { makeBundle, makeResource } from "@nxmesh/core/nginx/Generation"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"

const bundle = (name: string): Bundle =>
  makeBundle([makeResource({ _tag: "template", data: { workspace_id: null, name, source: name } })])
const empty = makeBundle([])
const id = (number: number) => DeploymentId.make(`018f0000-0000-7000-8000-00000000000${number}`)
const deploy = (index: number, update: BundleUpdate) =>
  ({
    _tag: "Deploy",
    order: { epoch: 1, index },
    deployment_id: id(index),
    update,
    reload_interval_seconds: 0
  }) as const
const full = (name: string): BundleUpdate => ({ _tag: "Full", bundle: bundle(name) })

const served = { directory: "d", deploymentId: id(0), generation: empty.generation }

/** Tasks over a deployer that takes as long as the test says and always settles. */
const world = Effect.gen(function* () {
  const applied: Array<number> = []
  const fetched: Array<Generation> = []
  const gate = yield* Ref.make<Deferred.Deferred<void> | null>(null)
  let waitMillis = 0
  const whole = new Map<string, Bundle>()
  const deployer = Layer.mock(Deployer)({
    current: Effect.succeed(served),
    recovered: { decision: "Nothing", served, outcome: null },
    reloadWaitMillis: () => Effect.succeed(waitMillis),
    apply: ({ bundle: { generation }, deploymentId, order }) =>
      Effect.gen(function* () {
        const closed = yield* Ref.get(gate)
        if (closed !== null) yield* Deferred.await(closed)
        if (order.index === 9) return yield* Effect.die(new Error("a poisonous bundle"))
        applied.push(order.index)
        return {
          id: deploymentId,
          generation,
          status: "settled" as const,
          started_at: "2026-03-02T14:30:00.000Z",
          finished_at: "2026-03-02T14:30:00.000Z",
          serving_after_millis: 1,
          settled_after_millis: 1,
          serving_generation: generation,
          warnings: [],
          error: null
        }
      })
  })
  const link = Layer.mock(Link)({
    fetchBundle: (generation) => {
      fetched.push(generation)
      const found = whole.get(generation)
      return found === undefined
        ? Effect.fail(new LinkLost({ permanent: false, detail: "no master" }))
        : Effect.succeed(found)
    }
  })
  const context = yield* Layer.build(
    Tasks.layer.pipe(Layer.provideMerge(Layer.mergeAll(deployer, link, Outcomes.layer, HeldBundle.layerMemory)))
  )
  const tasks = yield* Effect.provideContext(Tasks, context)
  const outcomes = yield* Effect.provideContext(Outcomes, context)
  yield* Effect.forkScoped(tasks.run)
  return {
    applied,
    fetched,
    gate,
    outcomes,
    tasks,
    whole,
    setWait: (millis: number) => {
      waitMillis = millis
    }
  }
})

/** Lets every fiber that can run do so. */
const settle = TestClock.adjust("1 millis")

describe("Tasks", () => {
  it.effect("deploys, reports, and holds the bundle for the next delta", () =>
    Effect.gen(function* () {
      const { applied, outcomes, tasks } = yield* world
      yield* tasks.offer(deploy(1, full("a")))
      assert.deepStrictEqual(
        (yield* outcomes.next).map(({ id: of, status }) => [of, status]),
        [[id(1), "settled"]]
      )
      yield* settle
      assert.strictEqual(yield* tasks.have, bundle("a").generation)
      assert.deepStrictEqual(applied, [1])
    })
  )

  it.effect("merges what comes while one is in flight: only the newest follows", () =>
    Effect.gen(function* () {
      const { applied, gate, tasks } = yield* world
      const closed = yield* Deferred.make<void>()
      yield* Ref.set(gate, closed)
      yield* tasks.offer(deploy(1, full("a")))
      yield* settle
      for (const index of [2, 4, 3]) yield* tasks.offer(deploy(index, full(`b${index}`)))
      yield* Deferred.succeed(closed, undefined)
      yield* settle
      assert.deepStrictEqual(applied, [1, 4])
    })
  )

  it.effect("waits out the reload budget, and a Hold in that time wins", () =>
    Effect.gen(function* () {
      const { applied, setWait, tasks } = yield* world
      setWait(60_000)
      yield* tasks.offer(deploy(1, full("a")))
      yield* settle
      assert.deepStrictEqual(applied, [])
      yield* tasks.offer({ _tag: "Hold", order: { epoch: 1, index: 2 }, reason: "maintenance" })
      setWait(0)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(applied, [])
      yield* tasks.offer(deploy(3, full("a")))
      yield* settle
      assert.deepStrictEqual(applied, [3])
    })
  )

  it.effect("fetches all of a bundle when a delta has another base", () =>
    Effect.gen(function* () {
      const { applied, fetched, tasks, whole } = yield* world
      const wanted = bundle("a")
      whole.set(wanted.generation, wanted)
      const delta = {
        _tag: "Delta",
        base: Generation.make("e".repeat(64)),
        generation: wanted.generation,
        put: [],
        removed: []
      } as const
      yield* tasks.offer(deploy(1, delta))
      yield* settle
      assert.deepStrictEqual(fetched, [wanted.generation])
      assert.deepStrictEqual(applied, [1])
    })
  )

  it.effect("leaves a bundle that it cannot get to the master to ask for again", () =>
    Effect.gen(function* () {
      const { applied, tasks } = yield* world
      const generation = Generation.make("d".repeat(64))
      const base = Generation.make("e".repeat(64))
      yield* tasks.offer(deploy(1, { _tag: "Delta", base, generation, put: [], removed: [] }))
      yield* settle
      assert.deepStrictEqual(applied, [])
      yield* tasks.offer(deploy(2, full("a")))
      yield* settle
      assert.deepStrictEqual(applied, [2])
    })
  )

  it.effect("reports a bundle that is not what it is called, and one that breaks the agent", () =>
    Effect.gen(function* () {
      const { outcomes, tasks, whole } = yield* world
      const named = Generation.make("d".repeat(64))
      whole.set(named, bundle("other"))
      yield* tasks.offer(deploy(1, { _tag: "Full", bundle: { ...bundle("a"), generation: named } }))
      const first = yield* outcomes.next
      assert.match(first[0]?.error?.message ?? "", /another bundle than it named/)
      yield* outcomes.acknowledge(first)
      yield* tasks.offer(deploy(9, full("poison")))
      const second = yield* outcomes.next
      assert.strictEqual(second[0]?.status, "failed")
      assert.match(second[0]?.error?.message ?? "", /internal error/)
      assert.strictEqual(second[0]?.serving_generation, empty.generation)
    })
  )
})

describe("Outcomes", () => {
  const outcome = (number: number) => ({
    id: id(number % 10),
    generation: empty.generation,
    status: "settled" as const,
    started_at: "2026-03-02T14:30:00.000Z",
    finished_at: "2026-03-02T14:30:00.000Z",
    serving_after_millis: number,
    settled_after_millis: null,
    serving_generation: null,
    warnings: [],
    error: null
  })
  it.effect("keeps a bounded number, the newest", () =>
    Effect.gen(function* () {
      const outcomes = yield* Outcomes
      for (let number = 0; number < 100; number++) yield* outcomes.add(outcome(number))
      const kept: Array<number | null> = []
      for (let batch = yield* outcomes.next; ; batch = yield* outcomes.next) {
        kept.push(...batch.map(({ serving_after_millis }) => serving_after_millis))
        yield* outcomes.acknowledge(batch)
        if (kept.length === 64) break
      }
      assert.strictEqual(kept[0], 36)
      assert.strictEqual(kept.at(-1), 99)
    }).pipe(Effect.provide(Outcomes.layer))
  )
})
