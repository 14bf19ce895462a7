import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdir } from "node:fs/promises"
import { createServer } from "node:net"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { deploying } from "./Deploying.ts"
import { edit, freePort, get, site } from "./Instance.ts"

/** A port that another program listens on. */
const takenPort = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ port, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const limited = (key: string): RenderedFile => ({
  path: "http/00-settings.conf",
  content: `limit_req_zone ${key} zone=shared:1m rate=10r/s;\n`,
  mode: 0o644,
  resource: null
})

describe("Deployer, when a deployment fails", () => {
  it.live("refuses what nginx refuses, with the file, the line and the resource, and changes nothing", () =>
    deploying(({ apply, port, instance, deployer }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "good")])
        const before = yield* deployer.current
        const outcome = yield* apply([site("a.test", port, "bad"), site("b.test", port, "bad", "    bogus_word on;\n")])
        assert.strictEqual(outcome.status, "failed")
        assert.strictEqual(outcome.error?.step, "test")
        assert.include(outcome.error?.message, 'unknown directive "bogus_word"')
        assert.strictEqual(outcome.error?.file, "http/20-host-b.test.conf")
        assert.strictEqual(outcome.error?.line, 4)
        assert.strictEqual(outcome.error?.resource?.name, "b.test")
        assert.strictEqual(outcome.serving_generation, before.generation)
        assert.strictEqual(yield* get(port, "a.test"), "good")
        assert.deepStrictEqual(yield* deployer.current, before)
        const left = yield* Effect.promise(() => readdir(instance.confDirectory))
        assert.strictEqual(left.filter((name) => name !== "current").length, 2)
      })
    )
  )

  it.live("fails for two servers of one name, which nginx would only warn about", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        const twin = { ...site("a.test", port, "two"), path: "http/21-host-twin.conf" }
        const outcome = yield* apply([site("a.test", port, "one"), twin])
        assert.strictEqual(outcome.status, "failed")
        assert.include(outcome.error?.message, 'conflicting server name "a.test"')
        assert.include(outcome.error?.message, "http/21-host-twin.conf")
        assert.isNull(yield* get(port, "a.test"))
      })
    )
  )

  it.live("fails when the bundle cannot be rendered", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "good")])
        const outcome = yield* apply([{ ...site("a.test", port, ""), content: "unrenderable" }])
        assert.strictEqual(outcome.status, "failed")
        assert.strictEqual(outcome.error?.step, "render")
        assert.strictEqual(yield* get(port, "a.test"), "good")
      })
    )
  )

  it.live("goes back when a port is taken, which only the reload finds out, and deploys again after", () =>
    deploying(({ apply, port, deployer }) =>
      Effect.gen(function* () {
        const first = yield* apply([site("a.test", port, "good")])
        const taken = yield* takenPort
        const outcome = yield* apply([site("a.test", port, "new"), site("b.test", taken.port, "new")])
        assert.strictEqual(outcome.status, "rolled_back", JSON.stringify(outcome))
        assert.include(outcome.error?.message, `bind() to 127.0.0.1:${taken.port} failed (98`)
        assert.strictEqual(outcome.error?.step, "prove")
        assert.strictEqual(outcome.serving_generation, first.generation)
        assert.strictEqual(yield* get(port, "a.test"), "good")
        assert.notStrictEqual((yield* deployer.current).deploymentId, first.id)
        taken.close()
        assert.strictEqual((yield* apply([site("a.test", port, "next")])).status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "next")
      })
    )
  )

  it.live("goes back when the very first deployment fails at the reload, although its socket is left behind", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        const taken = yield* takenPort
        const outcome = yield* apply([site("b.test", taken.port, "new")])
        assert.strictEqual(outcome.status, "rolled_back", JSON.stringify(outcome))
        assert.strictEqual((yield* apply([site("a.test", port, "next")])).status, "settled")
      })
    )
  )

  it.live("goes back when the key of a zone changed, which passes the test and fails the reload", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        yield* apply([limited("$binary_remote_addr"), site("a.test", port, "good")])
        const outcome = yield* apply([limited("$server_name"), site("a.test", port, "new")])
        assert.strictEqual(outcome.status, "rolled_back", JSON.stringify(outcome))
        assert.include(outcome.error?.message, 'limit_req "shared" uses the "$server_name" key')
        assert.strictEqual(yield* get(port, "a.test"), "good")
      })
    )
  )

  it.live("says which line is missing when nginx.conf does not include the tree", () =>
    deploying(({ apply, instance, port }) =>
      Effect.gen(function* () {
        yield* edit(join(instance.prefix ?? "", "nginx.conf"), (text) => text.replace(/include \S+current\S+;/, ""))
        const outcome = yield* apply([site("a.test", port, "new")])
        assert.strictEqual(outcome.status, "failed")
        assert.include(outcome.error?.message, `include ${instance.confDirectory}/current/*.conf;`)
      })
    )
  )

  it.live("does not take the word of workers that never reloaded", () =>
    deploying(({ apply, instance, port }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "good")])
        // nginx.conf no longer exists: the test cannot pass, and neither could a reload.
        yield* Effect.promise(() => rm(join(instance.prefix ?? "", "nginx.conf")))
        const outcome = yield* apply([site("a.test", port, "new")])
        assert.strictEqual(outcome.status, "failed")
        assert.strictEqual(yield* get(port, "a.test"), "good")
      })
    )
  )

  it.live("settles on a second port of the same host", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        const other = yield* freePort
        assert.strictEqual((yield* apply([site("a.test", port, "x"), site("b.test", other, "y")])).status, "settled")
        assert.strictEqual(yield* get(other, "b.test"), "y")
      })
    )
  )
})
