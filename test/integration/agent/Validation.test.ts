import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { directoryName } from "@nxmesh/agent/deploy/DirectoryName"
import * as GenerationDirectory from "@nxmesh/agent/deploy/GenerationDirectory"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import * as Validation from "@nxmesh/agent/nginx/Validation"
import { deploying } from "./Deploying.ts"
import { site } from "./Instance.ts"

/** What a test must not change: the live tree, the temporary directories' owners, what lies beside nginx.conf. */
const traces = (prefix: string) =>
  Effect.promise(async () => {
    const temporary = await Promise.all(
      ["client_body", "proxy"].map(async (name) => (await stat(join(prefix, "temp", name))).uid)
    )
    return {
      temporary,
      beside: (await readdir(prefix)).toSorted(),
      configuration: await readFile(join(prefix, "nginx.conf"), "utf8")
    }
  })

describe("Validation", () => {
  for (const mode of ["namespace", "wrapper"] as const) {
    it.live(`tests the staged tree, not the live one, and leaves no trace (${mode})`, () =>
      deploying(({ apply, instance, port, deployer }) =>
        Effect.gen(function* () {
          yield* apply([site("a.test", port, "live")])
          const master = yield* NginxProcess.find(instance.pidFile)
          const before = yield* traces(instance.prefix ?? "")
          const { directory: live } = yield* deployer.current
          const staged = directoryName(yield* DateTime.now, 900)
          const entry = (text: string) => ({ path: "nxmesh.conf", content: text, mode: 0o644 as const, resource: null })
          const test = (text: string, marker: string) =>
            Effect.gen(function* () {
              yield* GenerationDirectory.stage(instance.confDirectory, staged, null, [entry(text)])
              return yield* Validation.validate(instance, master, mode, { directory: staged, live, marker }).pipe(
                Effect.ensuring(Effect.ignore(GenerationDirectory.remove(instance.confDirectory, staged)))
              )
            })
          // An agent was killed in the middle of a test: the next one tidies up.
          const left = join(instance.prefix ?? "", ".nxmesh-test-nginx.conf-left")
          if (mode === "wrapper") yield* Effect.promise(() => writeFile(left, ""))
          const good = yield* test("# marker-of-this-tree\n", "marker-of-this-tree")
          assert.isTrue(good.passed && good.reachedTree, good.output)
          const bad = yield* test("# marker-of-this-tree\nbogus on;\n", "marker-of-this-tree")
          assert.isFalse(bad.passed)
          assert.include(bad.output, 'unknown directive "bogus"')
          assert.deepStrictEqual(yield* traces(instance.prefix ?? ""), before)
        })
      )
    )

    it.live(`makes no pid file where there was none (${mode})`, () =>
      deploying(({ instance, deployer, supervisor }) =>
        Effect.gen(function* () {
          const master = yield* supervisor.ensureRunning
          const { directory, deploymentId } = yield* deployer.current
          const pid = yield* Effect.promise(() => readFile(instance.pidFile, "utf8"))
          yield* Effect.promise(() => rm(instance.pidFile))
          const staged = { directory, live: directory, marker: deploymentId }
          const { passed, output } = yield* Validation.validate(instance, master, mode, staged)
          assert.isTrue(passed, output)
          assert.isFalse((yield* Effect.promise(() => readdir(instance.prefix ?? ""))).includes("nginx.pid"))
          // For the clean-up, which finds nginx by it.
          yield* Effect.promise(() => writeFile(instance.pidFile, pid))
        })
      )
    )
  }
})
