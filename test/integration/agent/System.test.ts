import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import * as Doctor from "@nxmesh/agent/cli/Doctor"
import * as BoundedCommand from "@nxmesh/agent/nginx/BoundedCommand"
import { NginxFacts } from "@nxmesh/agent/nginx/NginxFacts"
import { NginxInstance, type NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as PrivatePrefix from "@nxmesh/agent/nginx/PrivatePrefix"
import { deployingOn } from "./Deploying.ts"
import { edit, freePort, get, site, temporaryInstance, Trees, until } from "./Instance.ts"

/** An nginx that somebody else runs, with an nginx.conf of their own; the agent only finds it. */
const systemNginx = (include: boolean, errorLog: string | null = null) =>
  Effect.gen(function* () {
    const own = yield* temporaryInstance
    const root = own.prefix ?? ""
    const configuration = yield* PrivatePrefix.prepare(own, root)
    const foreign = yield* freePort
    const text = `    server { listen 127.0.0.1:${foreign} default_server; return 200 foreign; }\n`
    yield* edit(configuration, (before) =>
      (include ? before : before.replace(/ *include \S+current\S+;\n/, ""))
        .replace(/\n}\n$/, `\n${text}}\n`)
        .replace(/error_log [^;]+;/, errorLog === null ? "$&" : `error_log ${errorLog};`)
    )
    const started = yield* BoundedCommand.run({
      program: own.binary,
      arguments: ["-p", root, "-c", configuration],
      timeout: Duration.seconds(20)
    })
    assert.strictEqual(started.exitCode, 0, started.stderr)
    yield* until(Effect.map(get(foreign, "x"), (body) => body === "foreign"))
    return { own, foreign, configuration, system: { ...own, prefix: null } satisfies NginxInstanceSettings }
  })

const examine = (instance: NginxInstanceSettings, dataDirectory: string) =>
  Doctor.examine(dataDirectory, false).pipe(
    Effect.provide(NginxFacts.layer.pipe(Layer.provideMerge(Layer.succeed(NginxInstance, instance))))
  )

describe("a system nginx", () => {
  it.live("is deployed to through its include line, beside what is there, and keeps its nginx.conf", () =>
    Effect.gen(function* () {
      const { system, foreign } = yield* systemNginx(true)
      yield* deployingOn(system, new Trees(), ({ apply, port }) =>
        Effect.gen(function* () {
          // Its nginx does not have the baseline yet: the first deployment brings the proof socket too.
          const outcome = yield* apply([site("a.test", port, "ours")])
          assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome))
          assert.strictEqual(yield* get(port, "a.test"), "ours")
          assert.strictEqual(yield* get(foreign, "x"), "foreign")
          const refused = yield* apply([site("a.test", port, "bad", "    bogus;\n")])
          assert.strictEqual(refused.status, "failed")
          assert.strictEqual(yield* get(port, "a.test"), "ours")
        })
      )
    })
  )

  it.live(
    "says that the reason for a failed reload is not available when its error log is not a file",
    () =>
      Effect.gen(function* () {
        const { system, configuration } = yield* systemNginx(true, "/dev/null")
        yield* deployingOn(system, new Trees(), ({ apply, port }) =>
          Effect.gen(function* () {
            yield* apply([site("a.test", port, "one")])
            const zone = (key: string) => `limit_req_zone ${key} zone=z:1m rate=1r/s;\n`
            yield* edit(configuration, (text) => text.replace("http {\n", `http {\n${zone("$uri")}`))
            const two = yield* apply([site("a.test", port, "two")])
            yield* edit(configuration, (text) => text.replace(zone("$uri"), zone("$host")))
            const outcome = yield* apply([site("a.test", port, "three")])
            assert.strictEqual(outcome.status, "rollback_failed")
            assert.include(outcome.error?.message, "reason is not available")
            // What serves is what the outcome says serves: the foreign fault keeps nginx on its last good configuration.
            assert.strictEqual(yield* get(port, "a.test"), "two")
            assert.strictEqual(outcome.serving_generation, two.generation)
          })
        )
      }),
    60_000
  )

  it.live("is never started by the agent, and a deployment says that it does not run", () =>
    Effect.gen(function* () {
      const own = yield* temporaryInstance
      yield* deployingOn({ ...own, prefix: null }, new Trees(), ({ apply, port }) =>
        Effect.gen(function* () {
          const outcome = yield* apply([site("a.test", port, "one")])
          assert.strictEqual(outcome.status, "failed")
          assert.include(outcome.error?.message, "nginx is not running")
        })
      )
    })
  )

  it.live("is examined by doctor: a missing include line and a foreign default_server are named", () =>
    Effect.gen(function* () {
      const { own, system, configuration } = yield* systemNginx(false)
      const found = Doctor.describe(yield* examine(system, own.prefix ?? "")).join("\n")
      assert.include(
        found,
        `PROBLEM add "include ${system.confDirectory}/current/*.conf;" to the http block of ${configuration}`
      )
      assert.include(found, `ok      the default_server is in ${configuration}`)
    })
  )

  it.live("is examined by doctor: a runtime directory that others may enter is a problem", () =>
    Effect.gen(function* () {
      const { own, system } = yield* systemNginx(true)
      yield* Effect.promise(() => promisify(execFile)("chmod", ["755", system.runtimeDirectory]))
      const findings = yield* examine(system, own.prefix ?? "")
      assert.isFalse(Doctor.isHealthy(findings))
      assert.include(Doctor.describe(findings).join("\n"), `chmod 700 ${system.runtimeDirectory}`)
    })
  )
})
