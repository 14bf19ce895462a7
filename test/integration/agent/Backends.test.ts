/** Health checks of upstream servers, with a real nginx and real servers that fail and come back. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Layer, References } from "effect"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { Backends } from "@nxmesh/agent/backends/Backends"
import * as Refresh from "@nxmesh/agent/backends/Refresh"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import * as BundleCache from "@nxmesh/agent/cache/BundleCache"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import * as DeploymentLayer from "@nxmesh/agent/deploy/DeploymentLayer"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { Settings } from "@nxmesh/agent/Settings"
import { upstreamFile } from "@nxmesh/core/nginx/GeneratedNames"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { HealthCheckConfig } from "@nxmesh/protocol/model/Upstream"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import { deploying } from "./Deploying.ts"
import {
  dataDirectory,
  freePort,
  get,
  nextDeploymentId,
  nginxBinary,
  order,
  site,
  temporaryInstance,
  until
} from "./Instance.ts"

const fast: Refresh.RefreshIntervals = {
  pollInterval: Duration.millis(50),
  resolveInterval: Duration.seconds(30),
  settleInterval: Duration.millis(300),
  reloadInterval: Duration.zero
}

/** The deployment side, the probes and the refresh, as the agent has them. */
const agentLayer = (instance: NginxInstanceSettings) => {
  const data = dataDirectory(instance)
  const variables = {
    NXMESH_DATA_DIR: data,
    NXMESH_NGINX_PREFIX: instance.prefix ?? "",
    NXMESH_NGINX_BINARY: nginxBinary
  }
  const settings = Settings.layer(null).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
  )
  return Refresh.layerWith(fast).pipe(
    Layer.provideMerge(Backends.layer(data)),
    Layer.provideMerge(DeploymentLayer.layer),
    Layer.provideMerge(Layer.mergeAll(BundleCache.layer(data), CurrentPolicy.layer(data), Metrics.layer)),
    Layer.provideMerge(Layer.mergeAll(settings, AlertBoard.layer, Identifiers.layer)),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )
}

/** A server that answers with its name, or with 503 while it is ill. */
interface Backend {
  readonly port: number
  readonly address: string
  ill: boolean
}

const backend = (name: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly made: Backend }>((resume) => {
      const server = createServer((_, response) => {
        if (made.ill) response.writeHead(503)
        response.end(name)
      })
      let made: Backend = { port: 0, address: "", ill: false }
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        made = { port, address: `127.0.0.1:${port}`, ill: false }
        resume(Effect.succeed({ server, made }))
      })
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(Effect.map(({ made }) => made))

const health_check: HealthCheckConfig = {
  type: "http",
  path: "/",
  interval_seconds: 1,
  timeout_seconds: 1,
  healthy_threshold: 1,
  unhealthy_threshold: 1
}

const deployed = Effect.fnUntraced(function* (bundle: Bundle) {
  const deployer = yield* Deployer
  const outcome = yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(1) })
  assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome.error))
  yield* (yield* HeldBundle).keep(bundle)
})

const codes = Effect.map(
  Effect.flatMap(AlertBoard, (board) => board.current),
  (alerts) => alerts.map(({ code }) => code)
)

describe("upstream servers with a health check", () => {
  it.live("are left out together when they fail, kept when all do, and come back; also through a restart", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const backends = [yield* backend("a"), yield* backend("b"), yield* backend("c")]
      const [a, b, c] = backends as [Backend, Backend, Backend]
      const pool = Fixtures.upstream(5, {
        health_check,
        servers: backends.map(({ address }) => Fixtures.server(address, { max_fails: 0 }))
      })
      const hosts = [Fixtures.host(1, { listen_port: port, locations: [Fixtures.location({ upstream_id: pool.id })] })]
      const bundle = Fixtures.bundle({ hosts, upstreams: [pool] })

      const down = Effect.gen(function* () {
        const { directory } = yield* (yield* Deployer).current
        const text = yield* Effect.promise(() =>
          readFile(join(instance.confDirectory, directory, upstreamFile(pool)), "utf8")
        )
        return backends
          .filter(({ address }) => text.includes(`${address} max_fails=0 down;`))
          .map(({ address }) => address)
      })
      const isDown = (...wanted: ReadonlyArray<Backend>) =>
        until(
          Effect.map(down, (found) => found.join() === wanted.map(({ address }) => address).join()),
          "15 seconds"
        )
      const directory = Effect.map(
        Effect.flatMap(Deployer, (deployer) => deployer.current),
        (served) => served.directory
      )

      yield* Effect.gen(function* () {
        yield* deployed(bundle)
        const first = yield* directory
        assert.deepStrictEqual(yield* down, [])
        a.ill = true
        b.ill = true
        yield* isDown(a, b)
        const second = yield* directory
        assert.strictEqual(Number(second.slice(-6)), Number(first.slice(-6)) + 1, "two servers, one reload")
        for (let times = 0; times < 6; times++) assert.strictEqual(yield* get(port, "site-1.example.com"), "c")
        assert.deepStrictEqual(yield* codes, ["backends_down"])
        const found = yield* (yield* Backends).down
        assert.deepStrictEqual(
          found.map(({ address, reason, state }) => [address, reason, state]),
          [
            [a.address, "status 503", "unhealthy"],
            [b.address, "status 503", "unhealthy"]
          ]
        )
        // A server that fails a check may still answer some: with none left, all stay in use.
        c.ill = true
        yield* isDown()
        yield* until(Effect.map(codes, (found) => found.join() === "backends_all_down"))
        c.ill = false
        yield* isDown(a, b)
      }).pipe(Effect.provide(agentLayer(instance)))

      // Another agent on the same data: what was down is so still, without a reload.
      yield* Effect.gen(function* () {
        const before = yield* directory
        assert.deepStrictEqual(yield* down, [a.address, b.address])
        yield* until(Effect.map(codes, (found) => found.join() === "backends_down"))
        assert.strictEqual(yield* directory, before)
        a.ill = false
        b.ill = false
        yield* isDown()
        yield* until(Effect.map(codes, (found) => found.length === 0))
        const answers = new Set<string | null>()
        for (let times = 0; times < 9; times++) answers.add(yield* get(port, "site-1.example.com"))
        assert.strictEqual(answers.size, 3)
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )

  it.live("never overtake a rollback, nor the interval that the cluster wants between two reloads", () =>
    deploying(({ deployer, port, trees }) =>
      Effect.gen(function* () {
        const request = (text: string, index: number) => ({
          deploymentId: nextDeploymentId(),
          bundle: trees.bundle([site("a.test", port, text)]),
          order: order(index)
        })
        const first = yield* deployer.apply({ ...request("one", 1), reloadIntervalMillis: 3_600_000 })
        assert.strictEqual(first.status, "settled")
        assert.strictEqual(yield* deployer.reloadWaitMillis(0), 0)
        assert.isAbove(yield* deployer.reloadWaitMillis(0, "by the agent"), 3_000_000)
        yield* deployer.apply({ ...request("two", 2), reloadIntervalMillis: 0 })
        assert.strictEqual(yield* deployer.reloadWaitMillis(0, "by the agent"), 0)
        const late = yield* deployer.apply({ ...request("one", 2), over: first.id, force: true })
        assert.strictEqual(late.status, "failed")
        assert.include(late.error?.message, "another deployment serves meanwhile")
        assert.strictEqual(yield* get(port, "a.test"), "two")
      })
    )
  )
})
