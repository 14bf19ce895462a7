/** Goal: what a real nginx logs reaches the outbox in fields, each line once, whatever clients send and whatever becomes of the files. */
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { ConfigProvider, Effect, Fiber, Layer, Ref, References } from "effect"
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, readFileSync, truncateSync } from "node:fs"
import { request } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import * as BundleCache from "@nxmesh/agent/cache/BundleCache"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import * as DeploymentLayer from "@nxmesh/agent/deploy/DeploymentLayer"
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { accessLogFile } from "@nxmesh/agent/nginx/AccessLogPlace"
import * as LogRotation from "@nxmesh/agent/logs/LogRotation"
import * as LogsLayer from "@nxmesh/agent/logs/LogsLayer"
import { Limits } from "@nxmesh/agent/Limits"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { Supervisor } from "@nxmesh/agent/nginx/Supervisor"
import { Outbox } from "@nxmesh/agent/outbox/Outbox"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { Settings } from "@nxmesh/agent/Settings"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { VirtualHostId } from "@nxmesh/protocol/Ids"
import type { LogLine } from "@nxmesh/protocol/link/Report"
import { agentPolicyDefault } from "@nxmesh/protocol/model/AgentPolicy"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import { until } from "../../support/Wait.ts"
import { dataDirectory, freePort, get, nextDeploymentId, nginxBinary, order, temporaryInstance } from "./Instance.ts"

/** What was offered, in place of the disk. */
class Offered {
  readonly lines: Array<LogLine> = []
  dropped = 0
  readonly layer = Layer.mock(Outbox)({
    offer: (kind, report) =>
      Effect.sync(() => {
        if (kind === "logs" && "lines" in report) {
          this.lines.push(...report.lines)
          this.dropped += report.dropped
        }
        return true
      })
  })
  requests(): ReadonlyArray<NonNullable<LogLine["access"]>> {
    return this.lines.flatMap(({ access }) => access ?? [])
  }
}

/** The agent's deployment side, and its reading of logs. */
const agentLayer = (instance: NginxInstanceSettings, offered: Offered) => {
  const variables = {
    NXMESH_DATA_DIR: dataDirectory(instance),
    NXMESH_NGINX_PREFIX: instance.prefix ?? "",
    NXMESH_NGINX_BINARY: nginxBinary
  }
  const settings = Settings.layer(null).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
  )
  const cache = BundleCache.layer(dataDirectory(instance)).pipe(Layer.provide(Identifiers.layer))
  return LogsLayer.layer.pipe(
    Layer.provideMerge(Layer.merge(Metrics.layer, offered.layer)),
    Layer.provideMerge(DeploymentLayer.layer),
    Layer.provideMerge(Layer.mergeAll(cache, CurrentPolicy.layer(dataDirectory(instance)), AlertBoard.layer)),
    Layer.provideMerge(settings),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )
}

const deploy = (port: number) =>
  Effect.gen(function* () {
    const locations = [Fixtures.answering("a", { path: "/" }), Fixtures.answering("b", { path: "/deep/" })]
    const hosts = [Fixtures.host(1, { server_name: "one.test, other.test", listen_port: port, locations })]
    const bundle = Fixtures.bundle({ hosts })
    const deployer = yield* Deployer
    const index = ((yield* deployer.order)?.index ?? 0) + 1
    const outcome = yield* deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(index) })
    assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome))
    yield* (yield* HeldBundle).keep(bundle)
  })

/** One request, with its number, on a connection of its own. */
const ask = (port: number, number: number) =>
  Effect.callback<void>((resume) => {
    const options = { host: "127.0.0.1", port, path: `/?n=${number}`, headers: { host: "one.test" }, agent: false }
    const call = request(options, (answer) => answer.resume().on("end", () => resume(Effect.void)))
    call.on("error", (error) => resume(Effect.die(error)))
    call.end()
  })
const traffic = (port: number, from: number, count: number) =>
  Effect.forEach(upTo(count), (number) => ask(port, from + number), { concurrency: 4, discard: true })
const numbersOf = (offered: Offered) =>
  offered
    .requests()
    .flatMap(({ uri }) => /^\/\?n=(\d+)$/.exec(uri)?.[1] ?? [])
    .map(Number)
    .toSorted((left, right) => left - right)
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at)

const seen = (offered: Offered, count: number) =>
  until(
    Effect.sync(() => numbersOf(offered).length),
    (length) => length >= count,
    { fact: `${count} requests are in the outbox` }
  )

const logOf = (instance: NginxInstanceSettings) => join(instance.prefix ?? "", "logs", accessLogFile)

/** A request of raw bytes; answers when nginx closes. */
const raw = (port: number, bytes: Buffer) =>
  Effect.callback<void>((resume) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes))
    socket.resume()
    socket.on("error", () => socket.destroy())
    socket.on("close", () => resume(Effect.void))
  })

describe("nginx's logs", () => {
  it.live("reach the outbox in fields, whatever bytes a client sends", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const offered = new Offered()
      yield* Effect.gen(function* () {
        const port = yield* freePort
        yield* deploy(port)
        const hostile = Buffer.concat([
          Buffer.from(
            `GET /deep/${"u".repeat(7_900)} HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\nUser-Agent: say "hi" \\ `
          ),
          Buffer.from([0xff, 0xfe, 0x01, 0xc3, 0xa9]),
          Buffer.from("\r\nReferer: http://x/\u2028\r\n\r\n")
        ])
        yield* raw(port, hostile)
        yield* get(port, "one.test")
        yield* until(
          Effect.sync(() => offered.requests().length),
          (length) => length >= 2,
          { fact: "both requests are in the outbox" }
        )
        const [long, plain] = offered.requests()
        assert.deepInclude(long, {
          ...{ remote_addr: "127.0.0.1", method: "GET", protocol: "HTTP/1.1", host: "other.test", status: 200 },
          ...{ user_agent: 'say "hi" \\ \ufffd\ufffd\u0001é', referer: "http://x/\u2028", location: "/deep/" },
          ...{ body_bytes_sent: 1, virtual_host_id: VirtualHostId.make(Fixtures.uuid(1)) }
        })
        assert.lengthOf(long?.uri ?? "", 2_048)
        assert.match(long?.request_id ?? "", /^[0-9a-f]{32}$/)
        assert.deepInclude(plain, { uri: "/", location: "/", user_agent: null })
        const text = yield* (yield* Metrics).text
        assert.match(text, /nxmesh_http_requests_total\{host="one\.test",status="2xx"\} 2/)
        assert.match(text, /nxmesh_http_request_duration_seconds_count\{host="one\.test",location="\/deep\/"\} 1/)
        assert.include(text, 'result="read"} 2')
        assert.deepInclude(spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" }), {
          ...{ status: 0, stderr: "" }
        })
      }).pipe(Effect.provide(agentLayer(instance, offered)))
      // nginx's notices about the start and the reload are there too, with their own time
      const started = offered.lines.find(({ error }) => error?.level === "notice")
      assert.match(started?.timestamp ?? "", /^\d{4}-\d\d-\d\dT/)
    })
  )

  it.live("reach it once each under load, through rotations, a truncation and a restart of the agent", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const offered = new Offered()
      const port = yield* freePort
      let total = 0
      yield* Effect.gen(function* () {
        yield* deploy(port)
        const { exclusive } = yield* Supervisor
        let sent = 0
        const running = yield* Ref.make(true)
        const load = yield* Effect.forkChild(
          Effect.gen(function* () {
            for (; yield* Ref.get(running); sent++) yield* ask(port, sent)
          })
        )
        for (const round of [1, 2, 3]) {
          yield* seen(offered, 100 * round)
          yield* until(
            Effect.sync(() => existsSync(logOf(instance))),
            (exists) => exists,
            { fact: "nginx has made its log anew" }
          )
          // As the agent does it, only at another size.
          yield* LogRotation.rotateNow(instance, [logOf(instance)], exclusive)
        }
        yield* Ref.set(running, false)
        yield* Fiber.join(load)
        yield* seen(offered, sent)
        assert.deepStrictEqual(numbersOf(offered), upTo(sent))
        assert.isTrue(existsSync(`${logOf(instance)}.1`))
        assert.isFalse(existsSync(`${logOf(instance)}.${Limits.ownLogsKeptMax + 1}`))
        yield* traffic(port, sent, 50)
        yield* until(
          // Each worker has a buffer: what one writes between the copy and the truncation is lost, as with any copytruncate.
          Effect.sync(() =>
            Array.from(readFileSync(logOf(instance), "utf8").matchAll(/n=(\d+)/g), ([, at]) => Number(at))
          ),
          (numbers) => numbers.filter((number) => number >= sent).length === 50,
          { fact: "nginx's workers have written their buffers" }
        )
        copyFileSync(logOf(instance), `${logOf(instance)}.copy`)
        truncateSync(logOf(instance))
        yield* traffic(port, sent + 50, 50)
        yield* seen(offered, sent + 100)
        total = sent + 100
      }).pipe(Effect.provide(agentLayer(instance, offered)))
      yield* traffic(port, total, 50)
      yield* seen(offered, total + 50).pipe(Effect.provide(agentLayer(instance, offered)))
      assert.deepStrictEqual(numbersOf(offered), upTo(total + 50))
      assert.strictEqual(offered.dropped, 0)
    })
  )

  it.live("are sampled as the policy says, and requests that failed always reach it", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const offered = new Offered()
      yield* Effect.gen(function* () {
        const port = yield* freePort
        yield* deploy(port)
        yield* (yield* CurrentPolicy).set({ ...agentPolicyDefault, access_log_sample_ratio: 0.000_001 })
        yield* traffic(port, 0, 20)
        const metrics = yield* Metrics
        yield* until(metrics.text, (text) => text.includes('result="sampled_out"} 20'), {
          fact: "twenty requests were left out"
        })
        assert.lengthOf(offered.requests(), 0)
      }).pipe(Effect.provide(agentLayer(instance, offered)))
    })
  )
})
