import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Latch, Ref, Scope } from "effect"
import { ActorError, makeActor } from "../../src/actor/Actor.ts"
import { judgeCrash, patient } from "../../src/actor/RestartPolicy.ts"

type Message = "add" | "fail" | "crash"

const counter = (options: { readonly restartsMax?: number } = {}) =>
  makeActor({
    name: "counter",
    mailboxMax: 16,
    restart: { restartsMax: options.restartsMax ?? 2, within: Duration.minutes(1) },
    initial: Effect.succeed(0),
    receive: (state: number, message: Message) => {
      switch (message) {
        case "add":
          return Effect.succeed([state + 1, state + 1] as const)
        case "fail":
          return Effect.fail("refused" as const)
        case "crash":
          return Effect.die(new Error("a bug"))
      }
    }
  })

describe("Actor", () => {
  it.effect("handles one message at a time, in order", () =>
    Effect.gen(function* () {
      const running = yield* Ref.make(0)
      const seen: Array<number> = []
      const actor = yield* makeActor({
        name: "serial",
        mailboxMax: 4,
        restart: patient,
        initial: Effect.succeed(null),
        receive: (_: null, message: number) =>
          Effect.gen(function* () {
            assert.strictEqual(yield* Ref.updateAndGet(running, (count) => count + 1), 1)
            yield* Effect.yieldNow
            seen.push(message)
            yield* Ref.update(running, (count) => count - 1)
            return [null, message] as const
          })
      })
      const numbers = Array.from({ length: 50 }, (_, index) => index)
      const replies = yield* Effect.forEach(numbers, (number) => actor.ask(number), { concurrency: "unbounded" })
      assert.deepStrictEqual(replies, numbers)
      assert.deepStrictEqual(seen, numbers)
    })
  )

  it.effect("answers a declared failure and keeps its state", () =>
    Effect.gen(function* () {
      const actor = yield* counter()
      yield* actor.ask("add")
      assert.strictEqual(yield* Effect.flip(actor.ask("fail")), "refused")
      assert.strictEqual(yield* actor.ask("add"), 2)
    })
  )

  it.effect("starts over with a new state after a crash, and tells who asked", () =>
    Effect.gen(function* () {
      const actor = yield* counter()
      yield* actor.ask("add")
      const error = yield* Effect.flip(actor.ask("crash"))
      assert.isTrue(error instanceof ActorError && error.reason === "Crashed")
      assert.strictEqual(yield* actor.ask("add"), 1)
    })
  )

  it.effect("stops when it crashes faster than its policy allows, and refuses from then on", () =>
    Effect.gen(function* () {
      const actor = yield* counter({ restartsMax: 1 })
      yield* Effect.flip(actor.ask("crash"))
      yield* Effect.flip(actor.ask("crash"))
      assert.strictEqual((yield* actor.stopped).reason, "Stopped")
      const asked = yield* Effect.flip(actor.ask("add"))
      assert.isTrue(asked instanceof ActorError && asked.reason === "Stopped")
      assert.strictEqual((yield* Effect.flip(actor.tell("add"))).reason, "Stopped")
    })
  )

  it.effect("has a bounded mailbox: tell says when it is full, ask waits", () =>
    Effect.gen(function* () {
      const gate = yield* Latch.make(false)
      const started = yield* Deferred.make<void>()
      const actor = yield* makeActor({
        name: "slow",
        mailboxMax: 1,
        restart: patient,
        initial: Effect.succeed(0),
        receive: (state: number, _: "work") =>
          Deferred.succeed(started, undefined).pipe(
            Effect.andThen(gate.await),
            Effect.as([state + 1, state + 1] as const)
          )
      })
      const first = yield* Effect.forkChild(actor.ask("work"), { startImmediately: true })
      yield* Deferred.await(started)
      yield* actor.tell("work")
      assert.strictEqual((yield* Effect.flip(actor.tell("work"))).reason, "Full")
      const waiting = yield* Effect.forkChild(actor.ask("work"), { startImmediately: true })
      yield* gate.open
      assert.strictEqual(yield* Fiber.join(first), 1)
      assert.strictEqual(yield* Fiber.join(waiting), 3)
    })
  )

  it.effect("refuses what waits when its scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const actor = yield* makeActor({
        name: "stuck",
        mailboxMax: 4,
        restart: patient,
        initial: Effect.succeed(null),
        receive: (_: null, _message: "work"): Effect.Effect<readonly [null, null]> => Effect.never
      }).pipe(Scope.provide(scope))
      const asking = yield* Effect.forEach([1, 2], () =>
        Effect.forkChild(actor.ask("work"), { startImmediately: true })
      )
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      for (const fiber of asking) {
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.strictEqual(error.reason, "Stopped")
      }
    })
  )
})

describe("RestartPolicy", () => {
  const policy = { restartsMax: 2, within: Duration.seconds(10) }
  it("allows so many crashes within the time, and one more stops", () => {
    assert.isTrue(judgeCrash([0, 1_000], policy).restart)
    assert.isFalse(judgeCrash([0, 1_000, 2_000], policy).restart)
  })
  it("forgets crashes that are older than the time", () => {
    assert.deepStrictEqual(judgeCrash([0, 1_000, 10_500], policy), { restart: true, recent: [1_000, 10_500] })
  })
})
