import { assert, describe, it } from "@effect/vitest"
import { Limits } from "@nxmesh/raft/Limits"
import { NodeStopped } from "@nxmesh/raft/node/NodeStopped"
import { makeNodeEvents } from "@nxmesh/raft/node/thread/NodeEvents"
import { Effect, Stream } from "effect"
import { status } from "./Statuses.ts"

const closed = new NodeStopped({ reason: "Closed", detail: "for a test" })

describe("the events of a node", () => {
  it.effect("give a late observer the latest status, and then each one", () =>
    Effect.gen(function* () {
      const events = yield* makeNodeEvents
      events.tellStatus({ ...status, term: 1 })
      events.tellStatus({ ...status, term: 2 })
      const seen = yield* events.statuses.pipe(
        Stream.tap(({ term }) => Effect.sync(() => term === 2 && events.tellStatus({ ...status, term: 3 }))),
        Stream.take(2),
        Stream.runCollect
      )
      const terms = seen.map(({ term }) => term)
      assert.deepStrictEqual(terms, [2, 3])
    })
  )

  it.effect("leave out old ones for whoever is slow, never the latest", () =>
    Effect.gen(function* () {
      const events = yield* makeNodeEvents
      const last = 10 * Limits.thread.statusesWaiting
      events.tellStatus({ ...status, term: 0 })
      const seen = yield* events.statuses.pipe(
        Stream.tap(({ term }) =>
          Effect.sync(() => {
            if (term === 0) for (let next = 1; next <= last; next++) events.tellStatus({ ...status, term: next })
          })
        ),
        Stream.takeUntil(({ term }) => term === last),
        Stream.runCollect
      )
      assert.isAtMost(seen.length, Limits.thread.statusesWaiting + 2)
      assert.strictEqual(events.latest()?.term, last)
    })
  )

  it.effect("end with the node, whose first failure is the one that counts", () =>
    Effect.gen(function* () {
      const events = yield* makeNodeEvents
      events.tellStatus(status)
      const stop = Effect.sync(() => {
        events.tellStopped(new Error("the table is gone"))
        events.tellStopped(closed)
      })
      const seen = yield* Stream.runCollect(Stream.tap(events.statuses, () => stop))
      assert.lengthOf(seen, 1)
      const failure = yield* Effect.flip(events.stopped)
      assert.deepStrictEqual([failure.reason, failure.detail], ["HostFailed", "the table is gone"])
    })
  )
})
