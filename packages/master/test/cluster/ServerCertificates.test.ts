import { X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificateAuthority, makePrivateKey } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Cluster } from "@nxmesh/master/cluster/Cluster"
import { ServerCertificates } from "@nxmesh/master/cluster/ServerCertificates"
import type { ServerNames } from "@nxmesh/master/consensus/CertificateNames"
import { nodeFile } from "@nxmesh/master/consensus/IdentityFiles"
import { NodeIdentity, openIdentity, writeIdentity } from "@nxmesh/master/consensus/NodeIdentity"
import { Secrets } from "@nxmesh/master/secrets/Secrets"
import { ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { filesContaining } from "../../../../test/support/Plaintext.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nxmesh-certificate-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
const authority = makeCertificateAuthority("NxMesh test").pipe(Effect.provide(Identifiers.layer))
type Authority = Effect.Success<typeof authority>

const clusterId = ClusterId.make("0197c0de-0000-7000-8000-000000000001")
const nodeId = MasterId.make("0197c0de-0000-7000-8000-000000000002")
const names: ServerNames = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] }
const serial = (pem: string) => new X509Certificate(pem).serialNumber

const who = { node_id: nodeId, cluster_id: clusterId, founder: true, masters: [] }

/** What `node.json` holds, or at the first start a certificate that names nothing yet. */
const identity = (path: string, keyed: Authority) =>
  Layer.effect(
    NodeIdentity,
    Effect.gen(function* () {
      const first = {
        certificatePem: keyed.certificatePem,
        privateKeyPem: yield* makePrivateKey,
        authorityPem: keyed.certificatePem
      }
      return yield* openIdentity(path, (yield* nodeFile.read(path)) ?? (yield* writeIdentity(path, who, first)))
    })
  ).pipe(Layer.provide(Secrets.layerAt({ keyFile: join(path, "secrets.key"), create: true })))

const certificatesIn = (path: string, keyed: Authority, wanted = names) =>
  ServerCertificates.layerAt(wanted).pipe(
    Layer.provide(Layer.succeed(Cluster, { clusterId, authority: keyed, authorityFingerprint: "" })),
    Layer.provide(identity(path, keyed))
  )

const started = (path: string, keyed: Authority, wanted = names) =>
  ServerCertificates.use((service) => service.current).pipe(Effect.provide(certificatesIn(path, keyed, wanted)))

describe("ServerCertificates", () => {
  it.effect("keeps its certificate over a restart, which serves both directions and names the node", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const keyed = yield* authority
      const first = yield* started(path, keyed)
      const second = yield* started(path, keyed)
      assert.strictEqual(serial(first.certificatePem), serial(second.certificatePem))
      const certificate = new X509Certificate(first.certificatePem)
      assert.include(certificate.subjectAltName, `URI:raft:node:${nodeId}`)
      assert.lengthOf(certificate.keyUsage, 2)
    })
  )

  it.effect("makes another when names are added or the authority is another", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const keyed = yield* authority
      const first = yield* started(path, keyed)
      const named = yield* started(path, keyed, { ...names, dnsNames: ["localhost", "master.test"] })
      assert.notStrictEqual(serial(first.certificatePem), serial(named.certificatePem))
      assert.strictEqual(new X509Certificate(named.certificatePem).checkHost("master.test"), "master.test")
      const other = yield* authority
      const moved = yield* started(path, other)
      assert.notStrictEqual(serial(named.certificatePem), serial(moved.certificatePem))
      assert.strictEqual(moved.authorityPem, other.certificatePem)
    })
  )

  it.effect("keeps its key sealed, and refuses another key file", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const keyed = yield* authority
      const { privateKeyPem } = yield* started(path, keyed)
      assert.deepStrictEqual(filesContaining(path, Redacted.value(privateKeyPem).split("\n")[1] ?? ""), [])
      rmSync(join(path, "secrets.key"))
      const error = yield* Effect.flip(started(path, keyed))
      assert.strictEqual(error._tag, "WrongKeyFile")
    })
  )

  it.effect("renews while it runs, a month before the end, says so, and keeps the new one", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const keyed = yield* authority
      const [before, after] = yield* Effect.gen(function* () {
        const certificates = yield* ServerCertificates
        const first = yield* certificates.current
        const renewal = yield* certificates.renewals.pipe(Stream.runHead, Effect.forkChild({ startImmediately: true }))
        yield* TestClock.adjust("59 days")
        assert.strictEqual(serial((yield* certificates.current).certificatePem), serial(first.certificatePem))
        yield* TestClock.adjust("2 days")
        const renewed = yield* Fiber.join(renewal)
        return [first, renewed] as const
      }).pipe(Effect.provide(certificatesIn(path, keyed)))
      assert.isTrue(after._tag === "Some")
      if (after._tag !== "Some") return
      assert.notStrictEqual(serial(after.value.certificatePem), serial(before.certificatePem))
      const again = yield* started(path, keyed)
      assert.strictEqual(serial(again.certificatePem), serial(after.value.certificatePem))
    })
  )
})
