import { X509Certificate } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Cluster } from "@nxmesh/master/cluster/Cluster"
import { serverNames, ServerCertificates } from "@nxmesh/master/cluster/ServerCertificates"
import { Secrets } from "@nxmesh/master/secrets/Secrets"
import { ClusterId } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { filesContaining } from "../../../../test/support/Plaintext.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nxmesh-certificate-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
const authority = makeCertificateAuthority("NxMesh test").pipe(Effect.provide(Identifiers.layer))
const clusterOf = (keyed: Effect.Success<typeof authority>) =>
  Layer.succeed(Cluster, {
    clusterId: ClusterId.make("0197c0de-0000-7000-8000-000000000001"),
    authority: keyed,
    authorityFingerprint: ""
  })
const secretsIn = (path: string) => Secrets.layerAt({ keyFile: join(path, "secrets.key"), create: true })
const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] }
const serial = (pem: string) => new X509Certificate(pem).serialNumber

describe("ServerCertificates", () => {
  const started = (dataDirectory: string, cluster: Layer.Layer<Cluster>, wanted = names) =>
    ServerCertificates.use((service) => service.current).pipe(
      Effect.provide(
        ServerCertificates.layerAt({ dataDirectory, names: wanted }).pipe(
          Layer.provide([cluster, secretsIn(dataDirectory)])
        )
      )
    )

  it.effect("keeps its certificate over a restart, in a file of its owner's", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const cluster = clusterOf(yield* authority)
      const first = yield* started(path, cluster)
      const second = yield* started(path, cluster)
      assert.strictEqual(serial(first.certificatePem), serial(second.certificatePem))
      assert.strictEqual(statSync(join(path, "agent-server.json")).mode & 0o777, 0o600)
    })
  )

  it.effect("makes another when names are added or the authority is another", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const cluster = clusterOf(yield* authority)
      const first = yield* started(path, cluster)
      const named = yield* started(path, cluster, { ...names, dnsNames: ["localhost", "master.test"] })
      assert.notStrictEqual(serial(first.certificatePem), serial(named.certificatePem))
      assert.strictEqual(new X509Certificate(named.certificatePem).checkHost("master.test"), "master.test")
      const moved = yield* started(path, clusterOf(yield* authority))
      assert.notStrictEqual(serial(named.certificatePem), serial(moved.certificatePem))
    })
  )

  it.effect("keeps its key sealed, and makes another when the file is damaged or of another key file", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const file = join(path, "agent-server.json")
      const cluster = clusterOf(yield* authority)
      const first = yield* started(path, cluster)
      assert.deepStrictEqual(filesContaining(path, Redacted.value(first.privateKeyPem).split("\n")[1] ?? ""), [])
      writeFileSync(file, readFileSync(file, "utf8").slice(0, 200))
      const second = yield* started(path, cluster)
      rmSync(join(path, "secrets.key"))
      const third = yield* started(path, cluster)
      assert.strictEqual(new Set([first, second, third].map((made) => serial(made.certificatePem))).size, 3)
    })
  )

  it.effect("renews while it runs, a month before the end, and says so", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const cluster = clusterOf(yield* authority)
      const [before, after] = yield* Effect.gen(function* () {
        const certificates = yield* ServerCertificates
        const first = yield* certificates.current
        const renewal = yield* certificates.renewals.pipe(Stream.runHead, Effect.forkChild({ startImmediately: true }))
        yield* TestClock.adjust("59 days")
        assert.strictEqual(serial((yield* certificates.current).certificatePem), serial(first.certificatePem))
        yield* TestClock.adjust("2 days")
        const renewed = yield* Fiber.join(renewal)
        return [first, renewed] as const
      }).pipe(
        Effect.provide(
          ServerCertificates.layerAt({ dataDirectory: path, names }).pipe(Layer.provide([cluster, secretsIn(path)]))
        )
      )
      assert.isTrue(after._tag === "Some")
      if (after._tag === "Some")
        assert.notStrictEqual(serial(after.value.certificatePem), serial(before.certificatePem))
    })
  )

  it("names this machine and what is advertised, and not the address that means all", () => {
    const settings = {
      nodeName: "m1",
      agentAddress: { host: "0.0.0.0", port: 8443 },
      advertiseAgent: { host: "192.0.2.7", port: 443 }
    }
    assert.deepStrictEqual(serverNames(settings, "machine"), {
      dnsNames: ["localhost", "m1", "machine"],
      ipAddresses: ["127.0.0.1", "::1", "192.0.2.7"]
    })
    assert.deepStrictEqual(serverNames({ ...settings, advertiseAgent: null }, "m1").dnsNames, ["localhost", "m1"])
  })
})
