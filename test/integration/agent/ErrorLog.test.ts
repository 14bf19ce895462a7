/** Goal: what nginx says in its error log while it reloads is in the deployment's report, wherever the log was moved to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { existsSync, renameSync } from "node:fs"
import { createServer } from "node:net"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import * as PrivatePrefix from "@nxmesh/agent/nginx/PrivatePrefix"
import { deploying } from "./Deploying.ts"
import { freePort, get, site, until } from "./Instance.ts"

const taken = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

describe("nginx's error log during a reload", () => {
  it.live("gives the reason of a failed reload after the log was rotated", () =>
    deploying(({ apply, instance, port }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "one")])
        const log = PrivatePrefix.logFile(instance.prefix ?? "")
        renameSync(log, `${log}.1`)
        yield* NginxProcess.signal(yield* NginxProcess.find(instance.pidFile), "SIGUSR1")
        yield* until(Effect.sync(() => existsSync(log)))
        const other = yield* freePort
        yield* taken(other)
        const outcome = yield* apply([site("a.test", port, "two"), site("b.test", other, "b")])
        assert.strictEqual(outcome.status, "rolled_back", JSON.stringify(outcome))
        assert.match(outcome.error?.message ?? "", /bind\(\) to 127\.0\.0\.1:\d+ failed \(98/)
        assert.strictEqual(yield* get(port, "a.test"), "one")
      })
    )
  )

  it.live("belongs to the outcome's warnings, each complaint once", () =>
    deploying(({ apply, port }) =>
      Effect.gen(function* () {
        const dead = yield* freePort
        const broken = `    location /dead { proxy_pass http://127.0.0.1:${dead}; }\n    error_page 404 = /dead;\n    location = / { proxy_pass http://127.0.0.1:${dead}; }\n`
        const files = (body: string) => [site("a.test", port, body, broken)]
        yield* apply(files("one"))
        const load = yield* Effect.forkChild(Effect.forever(get(port, "a.test")))
        const outcome = yield* apply(files("two"))
        yield* Fiber.interrupt(load)
        assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome))
        const complaints = outcome.warnings.filter((warning) => warning.includes("Connection refused"))
        assert.lengthOf(complaints, 1, JSON.stringify(outcome.warnings))
        assert.include(complaints[0], `(upstream http://127.0.0.1:${dead})`)
      })
    )
  )
})
