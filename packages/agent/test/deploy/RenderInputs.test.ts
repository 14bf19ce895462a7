import { RenderInputs } from "@nxmesh/agent/deploy/RenderInputs"
import { Limits } from "@nxmesh/agent/Limits"
import { assert, describe, it } from "@effect/vitest"
import { Effect, References } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-inputs-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)
/** As one start of the agent has it. */
const started = <A>(dataDirectory: string, body: (inputs: RenderInputs["Service"]) => Effect.Effect<A>) =>
  Effect.flatMap(RenderInputs, body).pipe(
    Effect.provide(RenderInputs.layer(dataDirectory)),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const inputs = { addresses: new Map([["app.example", ["10.0.0.1"]]]), down: new Set(["u 10.0.0.2:80"]) }

describe("RenderInputs", () => {
  it.live("knows what the tree that serves was rendered with after a restart, and goes on leaving out the same", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* started(path, ({ keep, rendered }) => Effect.andThen(rendered("tree", inputs), keep("tree")))
      yield* started(path, ({ down, of }) =>
        Effect.gen(function* () {
          assert.deepInclude(yield* of("tree"), inputs)
          assert.deepStrictEqual(yield* down, inputs.down)
          assert.isNull(yield* of("another"))
        })
      )
    })
  )

  it.live("keeps nothing of trees that were rendered and do not serve", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* started(path, ({ keep, rendered }) => Effect.andThen(rendered("tried", inputs), keep("unknown")))
      assert.isNull(yield* started(path, ({ of }) => of("tried")))
    })
  )

  it.live("knows what serves after any number of trees that were only tried", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* started(path, ({ keep, of, rendered }) =>
        Effect.gen(function* () {
          yield* rendered("tree", inputs)
          yield* keep("tree")
          for (let tried = 0; tried <= Limits.renderInputsRememberedMax; tried++)
            yield* rendered(`tried-${tried}`, inputs)
          assert.deepInclude(yield* of("tree"), inputs)
          assert.isNull(yield* of("tried-0"))
        })
      )
    })
  )

  it.live("starts without a file that is damaged, and without a disk that can be written", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.promise(() => writeFile(join(path, "render-inputs.json"), '{"directory":1'))
      assert.isNull(yield* started(path, ({ of }) => of("tree")))
      yield* started(join(path, "none"), ({ keep, of, rendered }) =>
        Effect.gen(function* () {
          yield* rendered("tree", inputs)
          yield* keep("tree")
          assert.deepInclude(yield* of("tree"), inputs)
        })
      )
    })
  )
})
