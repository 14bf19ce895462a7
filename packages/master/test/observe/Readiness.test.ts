import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Readiness } from "../../src/observe/Readiness.ts"

describe("Readiness", () => {
  it.effect("counts an expected part as failed until it registers", () =>
    Effect.gen(function* () {
      const { checks, register } = yield* Readiness
      yield* register("log", Effect.succeed(null))
      assert.deepStrictEqual(yield* checks, [
        { name: "log", problem: null },
        { name: "link", problem: "has not started yet" }
      ])
      yield* register("link", Effect.succeed("is stopping"))
      assert.deepInclude(yield* checks, { name: "link", problem: "is stopping" })
    }).pipe(Effect.provide(Readiness.layer(["log", "link"])))
  )
})
