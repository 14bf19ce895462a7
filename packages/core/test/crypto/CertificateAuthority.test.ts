import { X509Certificate } from "node:crypto"
import { connect, createServer, type TLSSocket } from "node:tls"
import type { AddressInfo } from "node:net"
import { issueServerCertificate, makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { certificateFingerprint, parseFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"

layer(Identifiers.layer, { excludeTestServices: true })("CertificateAuthority", (it) => {
  it.effect("makes an authority that signs itself and may sign only leaves", () =>
    Effect.gen(function* () {
      const authority = yield* makeCertificateAuthority("NxMesh test")
      const certificate = new X509Certificate(authority.certificatePem)
      assert.isTrue(certificate.ca)
      assert.isTrue(certificate.verify(certificate.publicKey))
      assert.strictEqual(certificate.subject, "CN=NxMesh test")
      const years = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 31_536_000_000
      assert.approximately(years, 10, 0.1)
    })
  )

  it.effect("issues certificates for names and addresses, each with its own key and serial number", () =>
    Effect.gen(function* () {
      const authority = yield* makeCertificateAuthority("NxMesh test")
      const request = { dnsNames: ["localhost", "master.test"], ipAddresses: ["127.0.0.1", "::1"] }
      const one = yield* issueServerCertificate(authority, request)
      const two = yield* issueServerCertificate(authority, request)
      const certificate = new X509Certificate(one.certificatePem)
      assert.isFalse(certificate.ca)
      assert.isTrue(certificate.checkIssued(new X509Certificate(authority.certificatePem)))
      assert.isTrue(certificate.verify(new X509Certificate(authority.certificatePem).publicKey))
      assert.strictEqual(certificate.checkHost("master.test"), "master.test")
      assert.strictEqual(certificate.checkIP("::1"), "::1")
      assert.isUndefined(certificate.checkHost("other.test"))
      assert.notStrictEqual(certificate.serialNumber, new X509Certificate(two.certificatePem).serialNumber)
      assert.strictEqual(certificate.validToDate.getTime(), Math.floor(one.expiresAtMillis / 1_000) * 1_000)
      assert.notStrictEqual(one.certificatePem, two.certificatePem)
    })
  )

  it.effect("issues certificates that name their holder by a URI too, where it is the client", () =>
    Effect.gen(function* () {
      const authority = yield* makeCertificateAuthority("NxMesh test")
      const names = { dnsNames: ["localhost"], ipAddresses: [] }
      const server = new X509Certificate((yield* issueServerCertificate(authority, names)).certificatePem)
      const both = yield* issueServerCertificate(authority, { ...names, uris: ["raft:node:a-b"] })
      const certificate = new X509Certificate(both.certificatePem)
      const [serverAuth, clientAuth] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]
      assert.strictEqual(certificate.subjectAltName, "DNS:localhost, URI:raft:node:a-b")
      assert.deepStrictEqual(certificate.keyUsage, [serverAuth, clientAuth])
      assert.deepStrictEqual(server.keyUsage, [serverAuth])
    })
  )

  it.effect("serves TLS 1.3 that a client of the authority trusts, both ends with one channel binding", () =>
    Effect.gen(function* () {
      const authority = yield* makeCertificateAuthority("NxMesh test")
      const server = yield* issueServerCertificate(authority, { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] })
      const bindings = yield* handshake(authority.certificatePem, {
        cert: server.certificatePem + authority.certificatePem,
        key: Redacted.value(server.privateKeyPem)
      })
      assert.strictEqual(bindings.client.length, 32)
      assert.deepStrictEqual(bindings.client, bindings.server)
      const again = yield* handshake(authority.certificatePem, {
        cert: server.certificatePem + authority.certificatePem,
        key: Redacted.value(server.privateKeyPem)
      })
      assert.notDeepEqual(again.client, bindings.client)
    })
  )
})

describe("Fingerprint", () => {
  const digits = "0123456789abcdef".repeat(4)
  it.each([digits, digits.toUpperCase(), digits.replaceAll(/(..)(?=.)/g, "$1:"), `SHA256:${digits}`, ` ${digits}\n`])(
    "is read in the form %j",
    (text) => {
      assert.strictEqual(parseFingerprint(text), digits)
    }
  )
  it.each(["", "abc", `${digits}00`, digits.replace("0", "g")])("is refused in the form %j", (text) => {
    assert.isUndefined(parseFingerprint(text))
  })
  it.effect("is that of node:crypto", () =>
    Effect.gen(function* () {
      const { certificatePem } = yield* makeCertificateAuthority("NxMesh test")
      assert.strictEqual(
        parseFingerprint(new X509Certificate(certificatePem).fingerprint256),
        certificateFingerprint(certificatePem)
      )
    }).pipe(Effect.provide(Identifiers.layer))
  )
})

/** One TLS connection between two ends in this process; what each says is its channel binding. */
const handshake = (ca: string, server: { readonly cert: string; readonly key: string }) =>
  Effect.tryPromise(
    () =>
      new Promise<{ client: Uint8Array; server: Uint8Array }>((resolve, reject) => {
        const listener = createServer({ ...server, minVersion: "TLSv1.3" })
        const atServer = new Promise<Uint8Array>((done) =>
          listener.once("secureConnection", (socket: TLSSocket) => {
            socket.on("error", () => undefined)
            done(channelBinding(socket))
          })
        )
        listener.once("error", reject)
        listener.listen(0, "127.0.0.1", () => {
          const { port } = listener.address() as AddressInfo
          const client = connect({ port, host: "127.0.0.1", ca, minVersion: "TLSv1.3" })
          client.once("error", reject)
          client.once("secureConnect", async () => {
            const bindings = { client: channelBinding(client), server: await atServer }
            client.destroy()
            listener.close(() => resolve(bindings))
          })
        })
      })
  )
