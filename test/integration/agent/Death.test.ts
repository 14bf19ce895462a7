import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { access, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import * as Recover from "@nxmesh/agent/cli/Recover"
import * as BoundedCommand from "@nxmesh/agent/nginx/BoundedCommand"
import { NginxInstance, type NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import * as OrphanWorkers from "@nxmesh/agent/nginx/OrphanWorkers"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import { deploying, deployingOn } from "./Deploying.ts"
import {
  besideDeployer,
  dataDirectory,
  freePort,
  get,
  site,
  supervisorLayer,
  temporaryInstance,
  treeRenderer,
  Trees,
  until
} from "./Instance.ts"

/** Starts nginx as an init system does, without the agent. */
const startAlone = ({ binary, prefix }: NginxInstanceSettings) =>
  BoundedCommand.run({
    program: binary,
    arguments: ["-p", prefix ?? "", "-c", join(prefix ?? "", "nginx.conf"), "-e", join(prefix ?? "", "logs/error.log")],
    timeout: Duration.seconds(20)
  })

const kill = (processes: ReadonlyArray<ProcessTable.ProcessIdentity>) =>
  Effect.gen(function* () {
    for (const one of processes) yield* NginxProcess.signal(one, "SIGKILL")
    yield* until(Effect.sync(() => processes.every((one) => !ProcessTable.isAlive(one))))
  })

/** Another program on the port. */
const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

const recover = (instance: NginxInstanceSettings, trees: Trees) =>
  Recover.recover(dataDirectory(instance)).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        supervisorLayer(instance),
        treeRenderer(instance, trees),
        besideDeployer(dataDirectory(instance))
      ).pipe(Layer.provideMerge(Layer.succeed(NginxInstance, instance)))
    )
  )

/** Serves one site and lets the agent go, nginx staying. */
const serving = (instance: NginxInstanceSettings, trees: Trees) =>
  deployingOn(instance, trees, ({ apply, port }) =>
    Effect.gen(function* () {
      const { status } = yield* apply([site("a.test", port, "one")])
      assert.strictEqual(status, "settled")
      return port
    })
  )

describe("nginx, after a kill", () => {
  it.live("outlives the agent, and is adopted by the next one", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      const port = yield* serving(instance, trees)
      const before = yield* NginxProcess.find(instance.pidFile)
      assert.strictEqual(yield* get(port, "a.test"), "one")
      yield* deployingOn(instance, trees, ({ apply }) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
          assert.strictEqual((yield* NginxProcess.find(instance.pidFile)).pid, before.pid)
        })
      )
    })
  )

  it.live("starts without the agent after everything was killed, once recover has cleared the stale socket", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      const port = yield* serving(instance, trees)
      const master = yield* NginxProcess.find(instance.pidFile)
      yield* kill([master, ...ProcessTable.children(master.pid)])
      // The trap that this is about: nginx alone does not start.
      assert.notStrictEqual((yield* startAlone(instance)).exitCode, 0)
      const report = yield* recover(instance, trees)
      assert.deepStrictEqual(report.clearedSockets, [join(instance.runtimeDirectory, "proof.sock")])
      assert.strictEqual((yield* startAlone(instance)).exitCode, 0)
      yield* until(Effect.map(get(port, "a.test"), (body) => body === "one"))
    })
  )

  it.live(
    "starts without the agent after only its master was killed, once recover has retired the orphan workers",
    () =>
      Effect.gen(function* () {
        const instance = yield* temporaryInstance
        const trees = new Trees()
        const port = yield* serving(instance, trees)
        const master = yield* NginxProcess.find(instance.pidFile)
        const workers = ProcessTable.children(master.pid)
        yield* kill([master])
        assert.strictEqual(yield* get(port, "a.test"), "one") // the orphans serve on, and hold the port
        const report = yield* recover(instance, trees)
        assert.sameMembers(
          [...report.retiredWorkers],
          workers.map(({ pid }) => pid)
        )
        assert.strictEqual((yield* startAlone(instance)).exitCode, 0)
        yield* until(Effect.map(get(port, "a.test"), (body) => body === "one"))
        assert.deepStrictEqual(OrphanWorkers.find(instance.runtimeDirectory, null), [])
      })
  )

  it.live("is started by the agent after its master was killed, and takes deployments again", () =>
    deploying(({ apply, instance, port, supervisor }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "one")])
        yield* kill([yield* NginxProcess.find(instance.pidFile)])
        yield* supervisor.ensureRunning
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "two")
      })
    )
  )

  it.live("is started by a deployment that finds it dead", () =>
    deploying(({ apply, instance, port }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "one")])
        const master = yield* NginxProcess.find(instance.pidFile)
        yield* kill([master, ...ProcessTable.children(master.pid)])
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "two")
      })
    )
  )

  it.live("leaves the journal to a running agent when recover is called beside it", () =>
    deploying(({ instance, trees }) =>
      Effect.gen(function* () {
        assert.isNull((yield* recover(instance, trees)).recovered)
      })
    )
  )

  it.live("gets a baseline when its configuration directory was lost", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const trees = new Trees()
      yield* serving(instance, trees)
      yield* Effect.promise(() => rm(instance.confDirectory, { recursive: true }))
      const port = yield* freePort
      yield* deployingOn(instance, trees, ({ apply, deployer }) =>
        Effect.gen(function* () {
          assert.strictEqual(deployer.recovered.decision, "Baseline")
          yield* Effect.promise(() => access(join(instance.confDirectory, "current/nxmesh.conf")))
          assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        })
      )
    })
  )

  it.live("is mended by a deployment when it cannot start with what it served: its port was taken", () =>
    deploying(({ apply, instance, port }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "one")])
        const master = yield* NginxProcess.find(instance.pidFile)
        yield* kill([master, ...ProcessTable.children(master.pid)])
        yield* listening(port)
        const other = yield* freePort
        const mended = yield* apply([site("a.test", other, "two")])
        assert.strictEqual(mended.status, "settled", JSON.stringify(mended))
        assert.strictEqual(yield* get(other, "a.test"), "two")
      })
    )
  )

  it.live("says what to do when its proof socket was deleted under it", () =>
    deploying(({ apply, instance, port }) =>
      Effect.gen(function* () {
        yield* apply([site("a.test", port, "one")])
        yield* Effect.promise(() => rm(join(instance.runtimeDirectory, "proof.sock")))
        const outcome = yield* apply([site("a.test", port, "two")])
        assert.strictEqual(outcome.status, "rollback_failed")
        assert.include(outcome.error?.message, "restart nginx")
        assert.strictEqual(yield* get(port, "a.test"), "one")
      })
    )
  )
})
