/** Places that are not there yet: a machine that has just booted has an empty /run, and its init starts nginx, not the agent. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { rm, stat } from "node:fs/promises"
import { join } from "node:path"
import * as Doctor from "@nxmesh/agent/cli/Doctor"
import * as Recover from "@nxmesh/agent/cli/Recover"
import * as BoundedCommand from "@nxmesh/agent/nginx/BoundedCommand"
import { NginxFacts } from "@nxmesh/agent/nginx/NginxFacts"
import { NginxInstance, type NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import * as PrivatePrefix from "@nxmesh/agent/nginx/PrivatePrefix"
import { deployingOn } from "./Deploying.ts"
import {
  besideDeployer,
  dataDirectory,
  get,
  instanceAt,
  site,
  supervisorLayer,
  temporaryInstance,
  treeRenderer,
  Trees,
  until
} from "./Instance.ts"

const startAlone = ({ binary, prefix }: NginxInstanceSettings) =>
  BoundedCommand.run({
    program: binary,
    arguments: ["-p", prefix ?? "", "-c", join(prefix ?? "", "nginx.conf"), "-e", join(prefix ?? "", "logs/error.log")],
    timeout: Duration.seconds(20)
  }).pipe(Effect.map(({ exitCode }) => exitCode))

const empty = (directory: string) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
const modeOf = (path: string) => Effect.promise(async () => ((await stat(path)).mode & 0o777).toString(8))

const recover = (own: NginxInstanceSettings, system: NginxInstanceSettings, trees: Trees) =>
  Recover.recover(dataDirectory(own)).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(supervisorLayer(own), treeRenderer(own, trees), besideDeployer(dataDirectory(own))).pipe(
        Layer.provideMerge(Layer.succeed(NginxInstance, system))
      )
    )
  )

describe("an nginx of the agent's own", () => {
  it.live("needs no directory to be there before, and doctor says so", () =>
    Effect.gen(function* () {
      const { prefix } = yield* temporaryInstance
      const deep = instanceAt(join(prefix ?? "", "not", "there"))
      const findings = yield* Doctor.examine(join(prefix ?? "", "nor", "this"), true).pipe(
        Effect.provide(NginxFacts.layer.pipe(Layer.provideMerge(Layer.succeed(NginxInstance, deep))))
      )
      assert.isTrue(Doctor.isHealthy(findings), Doctor.describe(findings).join("\n"))
      assert.include(Doctor.describe(findings).join("\n"), `${deep.confDirectory} can be made`)
    })
  )
})

describe("a system nginx, after a boot", () => {
  it.live("is deployed to by an agent that finds no runtime directory", () =>
    Effect.gen(function* () {
      const own = yield* temporaryInstance
      yield* PrivatePrefix.prepare(own, own.prefix ?? "")
      yield* empty(own.runtimeDirectory)
      assert.strictEqual(yield* startAlone(own), 0)
      yield* deployingOn(own, new Trees(), ({ apply, port }) =>
        Effect.gen(function* () {
          const outcome = yield* apply([site("a.test", port, "one")])
          assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome))
          assert.strictEqual(yield* modeOf(own.runtimeDirectory), "700")
        })
      )
    })
  )

  it.live("starts once recover has made the runtime directory again", () =>
    Effect.gen(function* () {
      const own = yield* temporaryInstance
      const trees = new Trees()
      const port = yield* deployingOn(own, trees, ({ apply, port }) =>
        Effect.as(apply([site("a.test", port, "one")]), port)
      )
      const master = yield* NginxProcess.find(own.pidFile)
      yield* NginxProcess.signal(master, "SIGTERM")
      yield* until(Effect.map(Effect.result(NginxProcess.find(own.pidFile)), ({ _tag }) => _tag === "Failure"))
      yield* empty(own.runtimeDirectory)
      // The trap that this is about: the generation listens on a socket in a directory that is gone.
      assert.notStrictEqual(yield* startAlone(own), 0)
      yield* recover(own, { ...own, prefix: null }, trees)
      assert.strictEqual(yield* modeOf(own.runtimeDirectory), "700")
      assert.strictEqual(yield* startAlone(own), 0)
      yield* until(Effect.map(get(port, "a.test"), (body) => body === "one"))
    })
  )
})
