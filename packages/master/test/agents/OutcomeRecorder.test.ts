import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Deferred, Effect, Fiber, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { OutcomeRecorder } from "../../src/agents/OutcomeRecorder.ts"
import { Busy, CommandError, CommandRejected, Commands, Stopping } from "../../src/command/Commands.ts"
import { generationOf } from "@nxmesh/core/nginx/Generation"
import { agentId, uuid } from "../config/Fixtures.ts"
import { plainOutcome } from "../../../../test/support/Resources.ts"

const outcome = (number: number): DeploymentOutcome => ({
  ...plainOutcome,
  id: DeploymentId.make(uuid(9, number)),
  generation: generationOf([])
})

type Recorded = Extract<Command, { readonly _tag: "RecordDeployments" }>["outcomes"]
type Answer = Effect.Effect<unknown, CommandError | CommandRejected>

/** A recorder over a log that answers as told. */
const over = (answer: (outcomes: Recorded) => Answer) =>
  OutcomeRecorder.layer.pipe(
    Layer.provide(
      Layer.mock(Commands)({
        submit: ({ command }) =>
          command._tag === "RecordDeployments"
            ? Effect.as(answer(command.outcomes), { _tag: "Accepted", index: 1, replayed: false, value: null } as const)
            : Effect.die("an unexpected command")
      })
    )
  )
const record = (number: number) =>
  OutcomeRecorder.use((recorder) => recorder.record(agentId(number), [{ outcome: outcome(number) }]))
const full = new CommandError({ reason: new Busy() })
const badOutcome = new CommandRejected({ index: 1, rejection: { code: "INTERNAL_ERROR", message: "", details: [] } })

describe("OutcomeRecorder", () => {
  it.effect("puts what waits for the log into one command, at most 64", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const sizes = yield* Ref.make<ReadonlyArray<number>>([])
      const answer = (outcomes: Recorded) =>
        Ref.update(sizes, (before) => [...before, outcomes.length]).pipe(Effect.andThen(Deferred.await(gate)))
      yield* Effect.gen(function* () {
        const reports = yield* Effect.forEach(
          Array.from({ length: 101 }, (_, index) => index),
          (number) => Effect.forkChild(record(number), { startImmediately: true })
        )
        yield* Effect.yieldNow
        yield* Deferred.succeed(gate, undefined)
        for (const report of reports) yield* Fiber.join(report)
      }).pipe(Effect.provide(over(answer)))
      const seen = yield* Ref.get(sizes)
      assert.strictEqual(
        seen.reduce((sum, size) => sum + size, 0),
        101
      )
      assert.isAtMost(Math.max(...seen), 64)
      assert.isBelow(seen.length, 10)
    })
  )

  it.effect("waits for a full log, and does not answer before it is recorded", () =>
    Effect.gen(function* () {
      const attempts = yield* Ref.make(0)
      const answer = () =>
        Effect.flatMap(
          Ref.updateAndGet(attempts, (count) => count + 1),
          (count) => (count < 3 ? Effect.fail(full) : Effect.void)
        )
      yield* Effect.gen(function* () {
        const report = yield* Effect.forkChild(record(1), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(report)
      }).pipe(Effect.provide(over(answer)))
      assert.strictEqual(yield* Ref.get(attempts), 3)
    })
  )

  it.effect("tells the agent to keep its outcome when the log takes nothing more", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(record(1))
      assert.strictEqual(error.reason._tag, "Stopping")
    }).pipe(Effect.provide(over(() => Effect.fail(new CommandError({ reason: new Stopping() })))))
  )

  it.effect("drops the one outcome that is refused, and records the others", () =>
    Effect.gen(function* () {
      const kept = yield* Ref.make<ReadonlyArray<string>>([])
      const bad = outcome(2).id
      const answer = (outcomes: Recorded): Answer =>
        outcomes.some((each) => each.outcome.id === bad)
          ? Effect.fail(badOutcome)
          : Ref.update(kept, (before) => [...before, ...outcomes.map((each) => each.outcome.id)])
      yield* Effect.forEach([1, 2, 3], record, { concurrency: 3 }).pipe(Effect.provide(over(answer)))
      assert.sameMembers([...(yield* Ref.get(kept))], [outcome(1).id, outcome(3).id])
    })
  )
})
