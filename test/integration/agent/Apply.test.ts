import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import { deploying } from "./Deploying.ts"
import { get, nextDeploymentId, order, site } from "./Instance.ts"

const generations = (directory: string) =>
  Effect.promise(async () => (await readdir(directory)).filter((name) => /^\d{14}-\d{6}$/.test(name)))

describe("Deployer", () => {
  it.live("serves a change, with proof, and nothing after everything is deleted", () =>
    deploying(({ apply, port, deployer }) =>
      Effect.gen(function* () {
        const first = yield* apply([site("a.test", port, "one")])
        assert.strictEqual(first.status, "settled", JSON.stringify(first))
        assert.isAbove(first.serving_after_millis ?? 0, 0)
        assert.isAtLeast(first.settled_after_millis ?? 0, first.serving_after_millis ?? 0)
        assert.strictEqual((yield* deployer.current).deploymentId, first.id)
        assert.strictEqual(yield* get(port, "a.test"), "one")
        const second = yield* apply([site("a.test", port, "two")])
        assert.strictEqual(second.status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "two")
        const third = yield* apply([])
        assert.strictEqual(third.status, "settled")
        assert.isNull(yield* get(port, "a.test"))
      })
    )
  )

  it.live("keeps five generations, and shares by hard link what did not change", () =>
    deploying(({ apply, port, instance, deployer }) =>
      Effect.gen(function* () {
        const inodes: Array<number> = []
        for (let round = 0; round < 7; round += 1) {
          assert.strictEqual(
            (yield* apply([site("a.test", port, "same"), site("b.test", port, `${round}`)])).status,
            "settled"
          )
          const { directory } = yield* deployer.current
          const path = join(instance.confDirectory, directory, "http/20-host-a.test.conf")
          inodes.push((yield* Effect.promise(() => stat(path))).ino)
        }
        assert.strictEqual(new Set(inodes).size, 1)
        assert.strictEqual((yield* generations(instance.confDirectory)).length, 5)
      })
    )
  )

  it.live("does nothing for the generation that serves, and says that it is settled", () =>
    deploying(({ deployer, trees, instance, port }) =>
      Effect.gen(function* () {
        const bundle = trees.bundle([site("a.test", port, "one")])
        yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(1) })
        const workers = NginxProcess.activeWorkers(yield* NginxProcess.find(instance.pidFile))
        const again = yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(2) })
        assert.strictEqual(again.status, "settled")
        assert.isNull(again.settled_after_millis)
        assert.deepStrictEqual(NginxProcess.activeWorkers(yield* NginxProcess.find(instance.pidFile)), workers)
        const forced = yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(2), force: true })
        assert.isNotNull(forced.settled_after_millis)
      })
    )
  )

  it.live("refuses an older directive", () =>
    deploying(({ deployer, trees, port }) =>
      Effect.gen(function* () {
        const request = (body: string, epoch: number, index: number) => ({
          deploymentId: nextDeploymentId(),
          bundle: trees.bundle([site("a.test", port, body)]),
          order: { epoch, index }
        })
        assert.strictEqual((yield* deployer.apply(request("new", 2, 1))).status, "settled")
        const older = yield* deployer.apply(request("old", 1, 99))
        assert.strictEqual(older.status, "failed")
        assert.include(older.error?.message, "older")
        assert.strictEqual(yield* get(port, "a.test"), "new")
        assert.deepStrictEqual(yield* deployer.order, { epoch: 2, index: 1 })
      })
    )
  )

  it.live("runs requests that come together one after the other", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        const outcomes = yield* Effect.all(
          ["one", "two", "three"].map((body) => apply([site("a.test", port, body)])),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          outcomes.map(({ status }) => status),
          ["settled", "settled", "settled"]
        )
        assert.strictEqual(yield* get(port, "a.test"), "three")
      })
    )
  )

  it.live("serves a kept generation again, and says which ones are gone", () =>
    deploying(({ apply, deployer, port }) =>
      Effect.gen(function* () {
        const first = yield* apply([site("a.test", port, "one")])
        const { directory } = yield* deployer.current
        yield* apply([site("a.test", port, "two")])
        const back = yield* deployer.rollback({ deploymentId: nextDeploymentId(), directory })
        assert.strictEqual(back.status, "settled", JSON.stringify(back))
        assert.strictEqual(back.generation, first.generation)
        assert.strictEqual(yield* get(port, "a.test"), "one")
        assert.notStrictEqual((yield* deployer.current).directory, directory)
        const gone = yield* deployer.rollback({ deploymentId: nextDeploymentId(), directory: "20200101000000-000099" })
        assert.strictEqual(gone.status, "failed")
        assert.include(gone.error?.message, "no generation")
      })
    )
  )
})
