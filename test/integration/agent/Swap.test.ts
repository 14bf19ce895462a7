import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import * as GenerationDirectory from "@nxmesh/agent/deploy/GenerationDirectory"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import { deploying } from "./Deploying.ts"
import { get, site, until } from "./Instance.ts"

const hosts = 5_000

describe("a swap of 5,000 files", () => {
  it.live(
    "mixes no generations: a sample is all old or all new, and all new once settled",
    () =>
      deploying(({ apply, port, instance }) =>
        Effect.gen(function* () {
          const tree = (body: string) => [
            {
              ...site("settings", port, ""),
              path: "http/00-settings.conf",
              content: "server_names_hash_max_size 16384;\nserver_names_hash_bucket_size 128;\n"
            },
            ...Array.from({ length: hosts }, (_, index) => site(`host-${index}.test`, port, body))
          ]
          const sample = Array.from({ length: 100 }, (_, index) => `host-${index * 50}.test`)
          const first = yield* apply(tree("old"))
          assert.strictEqual(first.status, "settled", JSON.stringify(first.error))

          // While it swaps, every answer is one of the two; what one worker says is of one generation.
          const seen = new Set<string | null>()
          const sampler = yield* Effect.forkScoped(
            Effect.gen(function* () {
              for (let turn = 0; ; turn += 1) seen.add(yield* get(port, sample[turn % sample.length] ?? ""))
            })
          )
          const start = yield* Clock.currentTimeMillis
          const second = yield* apply(tree("new"))
          const elapsed = (yield* Clock.currentTimeMillis) - start
          assert.strictEqual(second.status, "settled", JSON.stringify(second.error))
          const answers = yield* Effect.forEach(sample, (name) => get(port, name), { concurrency: 8 })
          assert.deepStrictEqual([...new Set(answers)], ["new"])
          yield* until(Effect.sync(() => seen.has("new")))
          yield* Fiber.interrupt(sampler)
          assert.isTrue([...seen].every((body) => body === "old" || body === "new" || body === null))
          assert.isBelow(elapsed, 20_000)

          // One changed file of 5,000: the rest is linked.
          const third = yield* apply(
            tree("new").map((file, index) => (index === 7 ? site("host-6.test", port, "one") : file))
          )
          assert.strictEqual(third.status, "settled")
          assert.strictEqual(yield* get(port, "host-6.test"), "one")
          assert.strictEqual(yield* get(port, "host-7.test"), "new")

          // And the trap itself: the link moves while nginx reads. The entry file names its own directory, so nothing mixes.
          const master = yield* NginxProcess.find(instance.pidFile)
          const trees = (yield* GenerationDirectory.list(instance.confDirectory))
            .filter((name) => name !== "current")
            .toSorted()
          for (const [index, delay] of [0, 10, 30, 100].entries()) {
            const before = NginxProcess.activeWorkers(master)
            yield* NginxProcess.signal(master, "SIGHUP")
            yield* Effect.sleep(delay)
            yield* GenerationDirectory.swap(instance.confDirectory, trees[1 + (index % 2)] ?? "")
            yield* until(Effect.sync(() => before.every(NginxProcess.isLeaving)))
            const read = yield* Effect.forEach(sample, (name) => get(port, name), { concurrency: 8 })
            assert.strictEqual(new Set(read).size, 1, `${delay} ms: ${JSON.stringify([...new Set(read)])}`)
          }
        })
      ),
    90_000
  )
})
