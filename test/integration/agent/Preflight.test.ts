import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdir, readdir, readFile, readlink, stat } from "node:fs/promises"
import { join } from "node:path"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import { scratchName } from "@nxmesh/agent/deploy/Scratch"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { Preflight } from "@nxmesh/agent/preflight/Preflight"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import { applyBundle, deploymentLayer } from "./Bundles.ts"
import { dataDirectory, freePort, get, temporaryInstance } from "./Instance.ts"

const preflightLayer = (instance: NginxInstanceSettings) =>
  Preflight.layer.pipe(Layer.provideMerge(deploymentLayer(instance)))

const preflight = (bundle: Bundle) => Preflight.use(({ run }) => run({ _tag: "Full", bundle }))

/** All that a preflight must leave as it was. */
const traces = (instance: NginxInstanceSettings) =>
  Effect.promise(async () => ({
    names: await readdir(instance.confDirectory),
    link: await readlink(join(instance.confDirectory, "current")),
    journal: await readFile(join(dataDirectory(instance), "deployments.journal"), "utf8"),
    pidFile: (await stat(instance.pidFile)).mtimeMs
  }))

describe("a preflight", () => {
  it.live("finds everything that nginx or the renderer would refuse, and touches nothing", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const host = (number: number, snippet: string | null = null) =>
        Fixtures.host(number, { listen_port: port, snippet })
      yield* Effect.gen(function* () {
        yield* applyBundle(Fixtures.bundle({ hosts: [host(1)] }))
        const before = yield* traces(instance)
        const good = yield* preflight(Fixtures.bundle({ hosts: [host(1), host(2)] }))
        assert.deepStrictEqual({ tested: good.tested, errors: good.errors }, { tested: true, errors: [] })
        const bad = yield* preflight(
          Fixtures.bundle({
            hosts: [
              host(1),
              host(2, "no_such_directive on;"),
              host(3, "include /etc/passwd;"),
              host(4, "expires $nix;")
            ]
          })
        )
        assert.isTrue(bad.tested)
        assert.sameMembers(
          bad.errors.map(({ resource }) => resource?.name),
          ["site 2", "site 3", "site 4"]
        )
        assert.include(JSON.stringify(bad.errors), 'unknown directive \\"no_such_directive\\"')
        assert.deepStrictEqual(yield* traces(instance), before)
        assert.strictEqual(yield* get(port, "site-1.example.com"), "site 1")
        assert.isNull(yield* get(port, "site-2.example.com"))
      }).pipe(Effect.provide(preflightLayer(instance)))
    })
  )

  it.live("runs beside deployments, and says when it does not hold what a change is described against", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const bundle = (count: number) =>
        Fixtures.bundle({
          hosts: Array.from({ length: count }, (_, index) => Fixtures.host(index + 1, { listen_port: port }))
        })
      yield* Effect.gen(function* () {
        const [applied, ...tried] = yield* Effect.all(
          [applyBundle(bundle(2)), preflight(bundle(3)), preflight(bundle(4))],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(applied.status, "settled", JSON.stringify(applied))
        for (const { errors, tested } of tried) {
          assert.isTrue(tested)
          assert.deepStrictEqual(errors, [])
        }
        const { generation } = bundle(9)
        const delta = { _tag: "Delta", base: generation, generation, put: [], removed: [] } as const
        const unknown = yield* Preflight.use(({ run }) => run(delta))
        assert.isFalse(unknown.tested)
        assert.include(unknown.errors[0]?.message, "does not hold")
        assert.strictEqual((yield* (yield* Deployer).current).generation, bundle(2).generation)
      }).pipe(Effect.provide(preflightLayer(instance)))
    })
  )

  it.live("that a crash cut off leaves nothing behind after the next start", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const scratch = join(instance.confDirectory, scratchName("cut-off"), "http")
      yield* Effect.promise(() => mkdir(scratch, { recursive: true }))
      yield* Effect.gen(function* () {
        yield* (yield* Deployer).current
        assert.isFalse((yield* traces(instance)).names.some((name) => name.startsWith(".")))
      }).pipe(Effect.provide(deploymentLayer(instance)))
    })
  )
})
