import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import { deployerLayer, freePort, get, nextDeploymentId, order, site, temporaryInstance, Trees } from "./Instance.ts"

/** Runs a test with a deployer in a prefix of its own. */
const deploying = <A, E>(
  body: (tools: {
    readonly deployer: Deployer["Service"]
    readonly trees: Trees
    readonly port: number
    readonly root: string
  }) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const instance = yield* temporaryInstance
    const trees = new Trees()
    const port = yield* freePort
    return yield* Effect.gen(function* () {
      const deployer = yield* Deployer
      return yield* body({ deployer, trees, port, root: instance.prefix ?? "" })
    }).pipe(Effect.provide(deployerLayer(instance, trees)))
  })

describe("Deployer", () => {
  it.live("serves a change, with proof, and nothing after everything is deleted", () =>
    deploying(({ deployer, trees, port }) =>
      Effect.gen(function* () {
        const apply = (body: ReadonlyArray<Parameters<typeof site>>, index: number) =>
          deployer.apply({
            deploymentId: nextDeploymentId(),
            bundle: trees.bundle(body.map((one) => site(...one))),
            order: order(index)
          })
        const first = yield* apply([["a.test", port, "one"]], 1)
        assert.strictEqual(first.status, "settled", JSON.stringify(first))
        assert.isAbove(first.serving_after_millis ?? 0, 0)
        assert.isAtLeast(first.settled_after_millis ?? 0, first.serving_after_millis ?? 0)
        assert.strictEqual(yield* get(port, "a.test"), "one")
        const second = yield* apply([["a.test", port, "two"]], 2)
        assert.strictEqual(second.status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "two")
        const third = yield* apply([], 3)
        assert.strictEqual(third.status, "settled")
        assert.isNull(yield* get(port, "a.test"))
      })
    )
  )
})
