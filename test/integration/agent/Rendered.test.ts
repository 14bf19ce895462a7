import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, References } from "effect"
import { execFile } from "node:child_process"
import { createServer } from "node:http"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Doctor from "@nxmesh/agent/cli/Doctor"
import * as BundleCache from "@nxmesh/agent/cache/BundleCache"
import { restore } from "@nxmesh/agent/cache/Restore"
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { refresh } from "@nxmesh/agent/backends/Refresh"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import * as DeploymentLayer from "@nxmesh/agent/deploy/DeploymentLayer"
import { RenderInputs } from "@nxmesh/agent/deploy/RenderInputs"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as ProofAnswer from "@nxmesh/agent/nginx/ProofAnswer"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { Settings } from "@nxmesh/agent/Settings"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import {
  dataDirectory,
  freePort,
  get,
  nextDeploymentId,
  nginxBinary,
  order,
  temporaryInstance,
  until
} from "./Instance.ts"

/** The agent's deployment side as `main` has it: from settings, with the real renderer. */
const agentLayer = (instance: NginxInstanceSettings, dataDirectoryName = dataDirectory(instance)) => {
  const variables = {
    NXMESH_DATA_DIR: dataDirectoryName,
    NXMESH_NGINX_PREFIX: instance.prefix ?? "",
    NXMESH_NGINX_BINARY: nginxBinary
  }
  const settings = Settings.layer(null).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
  )
  return DeploymentLayer.layer.pipe(
    Layer.provideMerge(Layer.merge(BundleCache.layer(dataDirectoryName), CurrentPolicy.layer(dataDirectoryName))),
    Layer.provideMerge(Layer.merge(settings, Identifiers.layer)),
    Layer.provideMerge(AlertBoard.layer),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )
}

const apply = (bundle: Bundle, index: number) =>
  Effect.flatMap(Deployer, (deployer) =>
    deployer.apply({ deploymentId: nextDeploymentId(), bundle, order: order(index) })
  )

/** A self-signed certificate for a name, and its key. */
const selfSigned = (directory: string, name: string) =>
  Effect.promise(async () => {
    const [key, certificate] = [join(directory, "t.key"), join(directory, "t.crt")]
    await promisify(execFile)("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-keyout", key, "-out", certificate]
    ])
    return { private_key_pem: await readFile(key, "utf8"), certificate_pem: await readFile(certificate, "utf8") }
  })

const backend = Effect.acquireRelease(
  Effect.callback<ReturnType<typeof createServer>>((resume) => {
    const server = createServer((request, response) => response.end(`backend saw ${request.headers.host}`))
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(
  Effect.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  })
)

describe("the deployment side with the real renderer", () => {
  it.live("serves hosts, upstreams by name and TLS, and nothing after they are deleted", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const [port, tlsPort, backendPort] = [yield* freePort, yield* freePort, yield* backend]
      const certificate = Fixtures.certificate(9, yield* selfSigned(instance.prefix ?? "", "tls.test"))
      const upstream = Fixtures.upstream(5, { servers: [Fixtures.server(`localhost:${backendPort}`)] })
      const lost = Fixtures.upstream(6, { servers: [Fixtures.server("nobody.invalid:80")] })
      const host = (number: number, name: string, fields: Parameters<typeof Fixtures.host>[1]) =>
        Fixtures.host(number, { server_name: name, listen_port: port, ...fields })
      const hosts = [
        host(1, "plain.test", {}),
        host(2, "proxied.test", { locations: [Fixtures.location({ upstream_id: upstream.id })] }),
        host(3, "lost.test", { locations: [Fixtures.location({ upstream_id: lost.id })] }),
        host(4, "tls.test", { listen_port: tlsPort, ssl_enabled: true, ssl_certificate_id: certificate.id })
      ]
      yield* Effect.gen(function* () {
        const full = Fixtures.bundle({ hosts, upstreams: [upstream, lost], certificates: [certificate] })
        const outcome = yield* apply(full, 1)
        assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome))
        assert.strictEqual(yield* get(port, "plain.test"), "site 1")
        assert.include(yield* get(port, "proxied.test"), "backend saw")
        assert.include(yield* get(port, "lost.test"), "502 Bad Gateway")
        const { stdout } = yield* Effect.promise(() =>
          promisify(execFile)("curl", [
            "-sk",
            "--resolve",
            `tls.test:${tlsPort}:127.0.0.1`,
            `https://tls.test:${tlsPort}/`
          ])
        )
        assert.strictEqual(stdout, "site 4")
        assert.isAtLeast((yield* ProofAnswer.status(instance.runtimeDirectory))?.requests ?? 0, 1)
        assert.strictEqual((yield* apply(Fixtures.bundle({}), 2)).status, "settled")
        assert.isNull(yield* get(port, "plain.test"))
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )

  it.live("names the host whose snippet nginx refuses, and goes on with the rest at the next bundle", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const host = (number: number, fields: Parameters<typeof Fixtures.host>[1]) =>
        Fixtures.host(number, { listen_port: port, ...fields })
      yield* Effect.gen(function* () {
        yield* apply(Fixtures.bundle({ hosts: [host(1, {})] }), 1)
        const bad = host(2, { snippet: "no_such_directive on;" })
        const outcome = yield* apply(Fixtures.bundle({ hosts: [host(1, {}), bad] }), 2)
        assert.strictEqual(outcome.status, "failed")
        assert.deepStrictEqual(outcome.error?.resource, { kind: "virtual_host", id: bad.id, name: bad.name })
        assert.include(outcome.error?.message, "no_such_directive")
        assert.strictEqual(yield* get(port, "site-1.example.com"), "site 1")
        assert.strictEqual((yield* apply(Fixtures.bundle({ hosts: [host(1, {}), host(3, {})] }), 3)).status, "settled")
        assert.strictEqual(yield* get(port, "site-3.example.com"), "site 3")
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )

  it.live("deploys again when a name has another address, and only then", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const [port, backendPort] = [yield* freePort, yield* backend]
      const upstream = Fixtures.upstream(5, { servers: [Fixtures.server(`localhost:${backendPort}`)] })
      const locations = [Fixtures.location({ upstream_id: upstream.id })]
      const bundle = Fixtures.bundle({
        hosts: [Fixtures.host(1, { listen_port: port, locations })],
        upstreams: [upstream]
      })
      yield* Effect.gen(function* () {
        const first = yield* apply(bundle, 1)
        yield* (yield* HeldBundle).keep(bundle)
        assert.isNull(yield* refresh)
        // As if the name had had another address when the tree was rendered.
        const { directory } = yield* (yield* Deployer).current
        const addresses = new Map([["localhost", ["192.0.2.1"]]])
        yield* (yield* RenderInputs).rendered(directory, { addresses, down: new Set() })
        const outcome = yield* refresh
        assert.strictEqual(outcome?.status, "settled")
        assert.strictEqual(outcome?.generation, first.generation)
        assert.isNull(yield* refresh)
        assert.include(yield* get(port, "site-1.example.com"), "backend saw")
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )

  it.live("refuses a directive that no tenant may have, before nginx hears of it", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const bad = Fixtures.host(2, { listen_port: port, snippet: "include /etc/passwd;" })
      yield* Effect.gen(function* () {
        const outcome = yield* apply(Fixtures.bundle({ hosts: [bad] }), 1)
        assert.strictEqual(outcome.status, "failed")
        assert.strictEqual(outcome.error?.step, "render")
        assert.include(outcome.error?.message, "include")
        assert.strictEqual(outcome.error?.resource?.id, bad.id)
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )

  it.live("lets a host log into the agent's log directory, and names the one that logs elsewhere", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const logging = (number: number, file: string) =>
        Fixtures.host(number, { listen_port: port, snippet: `access_log ${file};` })
      const file = join(instance.prefix ?? "", "logs", "site.log")
      yield* Effect.gen(function* () {
        const good = logging(1, file)
        assert.strictEqual((yield* apply(Fixtures.bundle({ hosts: [good] }), 1)).status, "settled")
        assert.strictEqual(yield* get(port, "site-1.example.com"), "site 1")
        yield* until(Effect.promise(async () => (await readFile(file, "utf8")).includes("GET / ")))
        const bad = logging(2, join(instance.prefix ?? "", "site.log"))
        const { error } = yield* apply(Fixtures.bundle({ hosts: [good, bad] }), 2)
        assert.strictEqual(error?.step, "render")
        assert.include(error?.message, "may only write below")
        assert.match(error?.file ?? "", /^http\/20-host-site-2-/)
        assert.isAbove(error?.line ?? 0, 1)
        assert.strictEqual(error?.resource?.id, bad.id)
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )

  it.live("restores the last good bundle from the sealed cache when everything else was lost", () =>
    Effect.gen(function* () {
      const [before, after] = [yield* temporaryInstance, yield* temporaryInstance]
      const port = yield* freePort
      const secret = "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n"
      const hosts = [Fixtures.host(1, { listen_port: port })]
      const bundle = Fixtures.bundle({ hosts, certificates: [Fixtures.certificate(9, { private_key_pem: secret })] })
      const kept = join(before.prefix ?? "", "kept")
      yield* Effect.flatMap(HeldBundle, (held) => held.keep(bundle)).pipe(Effect.provide(agentLayer(before, kept)))
      const sealed = yield* Effect.promise(() => readFile(join(kept, "bundle.sealed"), "latin1"))
      assert.notInclude(sealed, "planted")
      assert.notInclude(sealed, "site-1")
      // The journal goes with its configuration directory; the cache is what is left.
      yield* Effect.promise(() => promisify(execFile)("rm", [join(kept, "deployments.journal")]))
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* (yield* HeldBundle).latest, bundle)
        const outcome = yield* restore
        assert.strictEqual(outcome?.status, "settled")
        assert.strictEqual(yield* get(port, "site-1.example.com"), "site 1")
      }).pipe(Effect.provide(agentLayer(after, kept)))
    })
  )

  it.live("finds nothing to complain about in a prefix of its own", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      yield* Effect.gen(function* () {
        const findings = yield* Doctor.examine(dataDirectory(instance), true)
        assert.isTrue(Doctor.isHealthy(findings), Doctor.describe(findings).join("\n"))
      }).pipe(Effect.provide(agentLayer(instance)))
    })
  )
})
