/** Private keys of certificates: where they lie, who may read them, and when they are gone. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Logger, References } from "effect"
import { execFile } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { HeldBundle } from "@nxmesh/agent/bundle/HeldBundle"
import * as BundleCache from "@nxmesh/agent/cache/BundleCache"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import * as DeploymentLayer from "@nxmesh/agent/deploy/DeploymentLayer"
import { Limits } from "@nxmesh/agent/Limits"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { Settings } from "@nxmesh/agent/Settings"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import * as Fixtures from "../../../packages/core/test/nginx/Fixtures.ts"
import { filesContaining, holds } from "../../support/Plaintext.ts"
import { dataDirectory, freePort, nextDeploymentId, nginxBinary, order, temporaryInstance } from "./Instance.ts"

/** The deployment side as the agent has it, with what it logs. */
const agentLayer = (instance: NginxInstanceSettings, logged: Array<string>) => {
  const data = dataDirectory(instance)
  const variables = {
    NXMESH_DATA_DIR: data,
    NXMESH_NGINX_PREFIX: instance.prefix ?? "",
    NXMESH_NGINX_BINARY: nginxBinary
  }
  const settings = Settings.layer(null).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(variables)))
  )
  return DeploymentLayer.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(BundleCache.layer(data), CurrentPolicy.layer(data), Metrics.layer)),
    Layer.provideMerge(Layer.mergeAll(settings, AlertBoard.layer, Identifiers.layer)),
    Layer.provideMerge(
      Logger.layer([Logger.make(({ cause, message }) => void logged.push(JSON.stringify([message, String(cause)])))])
    ),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "Trace"))
  )
}

const keyPair = () =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString()

/** A line of the key that is in no other key. */
const needleOf = (pem: string): string => pem.split("\n")[2] ?? ""

const selfSigned = (directory: string, key: string) =>
  Effect.promise(async () => {
    await mkdir(directory, { recursive: true })
    const [keyPath, path] = [join(directory, "t.key"), join(directory, "t.crt")]
    await writeFile(keyPath, key)
    await promisify(execFile)("openssl", [
      ...["req", "-x509", "-new", "-key", keyPath, "-days", "2", "-subj", "/CN=tls.test", "-out", path]
    ])
    const certificate = await readFile(path, "utf8")
    await rm(directory, { recursive: true })
    return certificate
  })

const modeOf = (path: string) => Effect.promise(async () => ((await stat(path)).mode & 0o777).toString(8))

describe("the private key of a certificate", () => {
  it.live("lies in the trees that are kept alone, for nginx alone, and goes with the last of them", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const root = instance.prefix ?? ""
      const port = yield* freePort
      const key = keyPair()
      const needle = needleOf(key)
      const certificate = Fixtures.certificate(9, {
        private_key_pem: key,
        certificate_pem: yield* selfSigned(join(root, "made"), key)
      })
      const logged: Array<string> = []
      let index = 0
      const apply = Effect.fnUntraced(function* (bundle: Bundle) {
        index += 1
        const outcome = yield* (yield* Deployer).apply({
          deploymentId: nextDeploymentId(),
          bundle,
          order: order(index)
        })
        if (outcome.status === "settled") yield* (yield* HeldBundle).keep(bundle)
        assert.isFalse(holds(JSON.stringify(outcome), needle), "an outcome holds the key")
        return outcome
      })
      const host = (fields: Parameters<typeof Fixtures.host>[1]) =>
        Fixtures.host(1, { server_name: "tls.test", listen_port: port, ...fields })
      const secure = { ssl_enabled: true, ssl_certificate_id: certificate.id }
      // What is read through the link is the same file once more.
      const keyFiles = () => filesContaining(root, needle).filter((path) => !path.includes("/current/"))

      yield* Effect.gen(function* () {
        const settled = yield* apply(Fixtures.bundle({ hosts: [host(secure)], certificates: [certificate] }))
        assert.strictEqual(settled.status, "settled", JSON.stringify(settled.error))
        const [path = ""] = keyFiles()
        assert.deepStrictEqual(keyFiles(), [path])
        assert.match(path, /\/conf\.d\/\d{14}-\d{6}\/tls\/[^/]+\.key$/)
        assert.deepStrictEqual([yield* modeOf(path), yield* modeOf(dirname(path))], ["600", "700"])
        assert.strictEqual(yield* modeOf(join(dataDirectory(instance), "bundle.sealed")), "600")

        // Refused trees leave nothing: one for its text, one for a key that is not the certificate's.
        const bad = yield* apply(
          Fixtures.bundle({ hosts: [host({ ...secure, snippet: "no_such on;" })], certificates: [certificate] })
        )
        assert.strictEqual(bad.status, "failed")
        const strange = keyPair()
        const mismatched = Fixtures.certificate(9, { ...certificate, private_key_pem: strange })
        const refused = yield* apply(
          Fixtures.bundle({ hosts: [host({ ...secure, gzip_enabled: true })], certificates: [mismatched] })
        )
        assert.strictEqual(refused.status, "failed", JSON.stringify(refused))
        assert.isFalse(holds(JSON.stringify(refused), needleOf(strange)))
        assert.deepStrictEqual(filesContaining(root, needleOf(strange)), [])
        assert.strictEqual(keyFiles().length, 1)

        // Without the certificate, the key is there for as long as its tree is kept for a rollback.
        for (let times = 0; times < Limits.generationsKeptMax; times++) {
          const text = [Fixtures.answering(`text ${times}`)]
          assert.strictEqual((yield* apply(Fixtures.bundle({ hosts: [host({ locations: text })] }))).status, "settled")
        }
        assert.deepStrictEqual(keyFiles(), [])
        assert.isFalse(logged.some((line) => holds(line, needle) || holds(line, needleOf(strange))))
        assert.isAbove(logged.length, 5)
      }).pipe(Effect.provide(agentLayer(instance, logged)))
    })
  )

  it.live("is asked for anew when the cache's own key was lost or changed: nothing else is lost by it", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const data = dataDirectory(instance)
      const key = keyPair()
      const bundle = Fixtures.bundle({ certificates: [Fixtures.certificate(9, { private_key_pem: key })] })
      const held = <A>(body: (held: HeldBundle["Service"]) => Effect.Effect<A>) =>
        Effect.flatMap(HeldBundle, body).pipe(
          Effect.provide(BundleCache.layer(data).pipe(Layer.provide(Identifiers.layer))),
          Effect.provideService(References.MinimumLogLevel, "None")
        )
      yield* held(({ keep }) => keep(bundle))
      assert.deepStrictEqual(filesContaining(data, needleOf(key)), [])
      assert.deepStrictEqual(yield* held(({ latest }) => latest), bundle)
      yield* Effect.promise(() => rm(join(data, "cache.key")))
      assert.isNull(yield* held(({ latest }) => latest))
      yield* held(({ keep }) => keep(bundle))
      assert.deepStrictEqual(yield* held(({ latest }) => latest), bundle)
    })
  )
})
