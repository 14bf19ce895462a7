/** Tasks of the leader (design-cluster.md 8): one at a time, ended with the term, and fenced. */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Deferred, Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { until } from "../../../../test/support/Wait.ts"
import { Commands, type SubmitRequest } from "../../src/command/Commands.ts"
import { type LeaderTask, startLeaderTask } from "../../src/cluster/LeaderTasks.ts"
import { type FakeNode, makeFakeNode } from "./FakeNode.ts"

const request: SubmitRequest = {
  principal: { _tag: "System", component: "test" },
  command: { _tag: "SetFreeze", frozen: true, reason: "a test" }
}

/** Commands that are taken down, and nothing else. */
const takingDown = (taken: Array<unknown>) =>
  Layer.succeed(Commands, {
    submit: (submitted: SubmitRequest) =>
      Effect.sync(() => {
        taken.push(submitted)
        return { _tag: "Accepted", index: 1, replayed: false, value: null } as const
      }),
    failure: Effect.never,
    ready: Effect.succeed(true)
  } as unknown as Commands["Service"])

/** Until the list is so long. */
const reached = (list: ReadonlyArray<unknown>, length: number) =>
  until(
    Effect.sync(() => list),
    ({ length: found }) => found >= length,
    { fact: `there are ${length}` }
  )

const start = <E>(node: FakeNode, task: LeaderTask<E, never>, taken: Array<unknown> = []) =>
  startLeaderTask(task).pipe(Effect.provide(Layer.mergeAll(node.layer, takingDown(taken), Metrics.layer)))

/** A task that writes down when it begins and ends. */
const noted = (notes: Array<string>): LeaderTask<never, never> => ({
  name: "noted",
  run: ({ term }) =>
    Effect.sync(() => void notes.push(`begins ${term}`)).pipe(
      Effect.andThen(Effect.never),
      Effect.ensuring(Effect.sync(() => void notes.push(`ends ${term}`)))
    )
})

describe("a task of the leader", () => {
  it.live("runs while this master leads, and ends before the next term's begins", () =>
    Effect.gen(function* () {
      const node = yield* makeFakeNode({ role: "Follower", leader: "b" })
      const notes: Array<string> = []
      yield* start(node, noted(notes))
      yield* node.tell({ role: "Leader", term: 2, leader: "a" })
      yield* reached(notes, 1)
      yield* node.tell({ role: "Leader", term: 2, leader: "a", commit: 11 })
      yield* node.tell({ role: "Leader", term: 4, leader: "a" })
      yield* reached(notes, 3)
      yield* node.tell({ role: "Follower", term: 5, leader: "b" })
      yield* reached(notes, 4)
      assert.deepStrictEqual(notes, ["begins 2", "ends 2", "begins 4", "ends 4"])
    })
  )

  it.live("ends with its scope", () =>
    Effect.gen(function* () {
      const notes: Array<string> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* start(yield* makeFakeNode(), noted(notes))
          yield* reached(notes, 1)
        })
      )
      assert.deepStrictEqual(notes, ["begins 1", "ends 1"])
    })
  )

  it.live("submits under a fence of its own term", () =>
    Effect.gen(function* () {
      const taken: Array<unknown> = []
      const node = yield* makeFakeNode({ term: 7 })
      yield* start(node, { name: "fenced", run: ({ submit }) => Effect.asVoid(submit(request)) }, taken)
      yield* reached(taken, 1)
      assert.deepStrictEqual(taken, [{ ...request, fence: { term: 7 } }])
    })
  )

  it.effect("starts over after a failure or a crash, and not when it has ended", () =>
    Effect.gen(function* () {
      const runs = yield* Ref.make(0)
      const ended = yield* Deferred.make<void>()
      const node = yield* makeFakeNode()
      const run = Effect.gen(function* () {
        const count = yield* Ref.updateAndGet(runs, (before) => before + 1)
        if (count === 1) return yield* Effect.fail("no")
        if (count === 2) return yield* Effect.die("a crash")
        yield* Deferred.succeed(ended, undefined)
      })
      yield* start(node, { name: "failing", run: () => run })
      for (let second = 0; second < 5; second++) yield* TestClock.adjust("1 second")
      yield* Deferred.await(ended)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* Ref.get(runs), 3)
    })
  )
})
