import { createServer } from "node:tls"
import { createServer as createPlainServer, type AddressInfo, type Server } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { issueServerCertificate, makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { certificateChain } from "@nxmesh/core/tls/CertificateChain"
import { tlsHandshake } from "@nxmesh/core/tls/TlsHandshake"
import { Effect, Fiber, Redacted, Schedule } from "effect"

const listening = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen({ host: "127.0.0.1", port: 0 }, () =>
        resume(Effect.succeed((server.address() as AddressInfo).port))
      )
    }),
    () => Effect.sync(() => server.close())
  )

const made = Effect.gen(function* () {
  const authority = yield* makeCertificateAuthority("NxMesh test")
  const issued = yield* issueServerCertificate(authority, { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] })
  return { authority, issued }
}).pipe(Effect.provide(Identifiers.layer))

const server = ({ authority, issued }: Effect.Success<typeof made>, shown: (name: string | null) => void = () => {}) =>
  createServer(
    {
      cert: `${issued.certificatePem.trim()}\n${authority.certificatePem}`,
      key: Redacted.value(issued.privateKeyPem),
      requestCert: true,
      rejectUnauthorized: false
    },
    (socket) => {
      socket.on("error", () => undefined)
      shown(socket.getPeerX509Certificate()?.subjectAltName ?? null)
    }
  )

const poll = Schedule.spaced("5 millis")

const local = (port: number) => ({ host: "127.0.0.1", port })

describe("a TLS handshake", () => {
  it.live("makes a connection to a server of the trusted authority, whose chain is read leaf first", () =>
    Effect.gen(function* () {
      const certificates = yield* made
      const port = yield* listening(server(certificates))
      const ca = certificates.authority.certificatePem
      const socket = yield* tlsHandshake(local(port), { ca, timeout: "10 seconds" })
      assert.strictEqual(socket.getProtocol(), "TLSv1.3")
      assert.deepStrictEqual(
        certificateChain(socket).map(({ raw }) => sha256Hex(raw)),
        [certificates.issued.certificatePem, ca].map((pem) => certificateFingerprint(pem))
      )
      socket.destroy()
    })
  )

  it.live("shows a certificate where there is one to show", () =>
    Effect.gen(function* () {
      const certificates = yield* made
      const seen: Array<string | null> = []
      const port = yield* listening(server(certificates, (name) => seen.push(name)))
      const { certificatePem: cert, privateKeyPem } = certificates.issued
      const options = { rejectUnauthorized: false, timeout: "10 seconds" } as const
      for (const shown of [{}, { cert, key: Redacted.value(privateKeyPem) }]) {
        const socket = yield* tlsHandshake(local(port), { ...options, ...shown })
        yield* Effect.callback<void>((resume) => {
          socket.once("close", () => resume(Effect.void))
          socket.end()
          socket.resume()
        })
      }
      assert.deepStrictEqual(seen, [null, "DNS:localhost, IP Address:127.0.0.1"])
    })
  )

  it.live("fails with the code of what is not trusted, and of a port that nobody listens on", () =>
    Effect.gen(function* () {
      const certificates = yield* made
      const port = yield* listening(server(certificates))
      const stranger = yield* made
      const distrusted = yield* Effect.flip(
        tlsHandshake(local(port), { ca: stranger.authority.certificatePem, timeout: "10 seconds" })
      )
      assert.match(distrusted.code ?? "", /SELF_SIGNED|UNABLE_TO/)
      const closed = yield* Effect.scoped(listening(createPlainServer()))
      const refused = yield* Effect.flip(tlsHandshake(local(closed), { timeout: "10 seconds" }))
      assert.strictEqual(refused.code, "ECONNREFUSED")
    })
  )

  it.live("ends when the time for it is over, and closes its connection, also when it is interrupted", () =>
    Effect.gen(function* () {
      let open = 0
      const silent = createPlainServer((socket) => {
        open += 1
        socket.on("error", () => undefined)
        socket.on("close", () => (open -= 1))
        socket.resume()
      })
      const port = yield* listening(silent)
      const late = yield* Effect.flip(tlsHandshake(local(port), { timeout: "50 millis" }))
      assert.isNull(late.code)
      const waiting = yield* Effect.forkChild(tlsHandshake(local(port), { timeout: "1 minute" }))
      const count = (wanted: number) =>
        Effect.sync(() => open).pipe(Effect.repeat({ until: (now) => now === wanted, schedule: poll }))
      yield* count(1)
      yield* Fiber.interrupt(waiting)
      yield* count(0)
    })
  )
})
