import { createServer } from "node:tls"
import { assert, layer } from "@effect/vitest"
import { issueServerCertificate, makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { Effect, Queue, Redacted } from "effect"
import { MasterLayer, World } from "./LinkFixture.ts"
import { dataDirectory, startLink } from "./LinkUnderTest.ts"

/** A TLS server of another authority that writes down all it is told. */
const impostor = Effect.gen(function* () {
  const authority = yield* makeCertificateAuthority("impostor")
  const { certificatePem, privateKeyPem } = yield* issueServerCertificate(authority, {
    dnsNames: [],
    ipAddresses: ["127.0.0.1"]
  })
  const heard: Array<Buffer> = []
  let connections = 0
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const made = createServer({ cert: certificatePem + authority.certificatePem, key: Redacted.value(privateKeyPem) })
      made.on("connection", () => connections++)
      made.on("secureConnection", (socket) => {
        socket.on("error", () => undefined)
        socket.on("data", (data) => heard.push(data))
      })
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) => Effect.sync(() => made.close())
  )
  const address = server.address()
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, heard, connections: () => connections }
}).pipe(Effect.provide(Identifiers.layer))

const generation = Generation.make("a".repeat(64))
const deploy = (index: number) =>
  ({
    _tag: "Deploy",
    order: { epoch: 0, index },
    deployment_id: DeploymentId.make("018f0000-0000-7000-8000-000000000002"),
    update: { _tag: "Full", bundle: { generation, resources: [] } },
    reload_interval_seconds: 0
  }) as const

layer(MasterLayer, { excludeTestServices: true })("enrolment", (it) => {
  it.effect("enrols an agent and gives it a Deploy", () =>
    Effect.gen(function* () {
      const world = yield* World
      const { port } = yield* AgentServer
      const { id, token } = yield* world.agent
      yield* Queue.offer(world.directives(id), deploy(7))
      const { is, tasks } = yield* startLink({ ports: [port], token, fingerprint: world.authorityFingerprint })
      assert.deepStrictEqual(yield* Queue.take(tasks), deploy(7))
      yield* is("READY")
    })
  )

  it.effect("enrols once: a restart needs neither token nor fingerprint, and takes the next connection epoch", () =>
    Effect.gen(function* () {
      const world = yield* World
      const { port } = yield* AgentServer
      const { id, token } = yield* world.agent
      const directory = yield* dataDirectory
      yield* startLink({
        ports: [port],
        token,
        fingerprint: world.authorityFingerprint,
        dataDirectory: directory
      }).pipe(
        Effect.tap(({ is }) => is("READY")),
        Effect.scoped
      )
      const again = yield* startLink({ ports: [port], token: null, fingerprint: null, dataDirectory: directory })
      yield* again.is("READY")
      const epochs = world.registrations
        .filter(({ agentId }) => agentId === id)
        .map((one) => one.registration.connection_epoch)
      assert.deepStrictEqual(epochs, [1, 2])
    })
  )

  it.effect("refuses a master of another authority before it writes a byte", () =>
    Effect.gen(function* () {
      const world = yield* World
      const { token } = yield* world.agent
      const { connections, heard, port } = yield* impostor
      const { is } = yield* startLink({ ports: [port], token, fingerprint: world.authorityFingerprint })
      const state = yield* is("ERROR")
      assert.include(state.detail, world.authorityFingerprint)
      assert.strictEqual(connections(), 1)
      assert.deepStrictEqual(heard, [])
    })
  )

  it.effect("does not try its luck without a pinned authority", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const { token } = yield* (yield* World).agent
      const { is } = yield* startLink({ ports: [port], token, fingerprint: null })
      assert.include((yield* is("ERROR")).detail, "NXMESH_CA_FINGERPRINT")
    })
  )

  it.effect("says what to do without a token, and with one that is refused", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const fingerprint = (yield* World).authorityFingerprint
      for (const token of [null, "not-a-token-of-this-cluster"]) {
        const { is } = yield* startLink({ ports: [port], token, fingerprint })
        assert.include((yield* is("ERROR")).detail, "NXMESH_AGENT_TOKEN")
      }
    })
  )

  it.effect("enrols anew when an operator gives another token", () =>
    Effect.gen(function* () {
      const world = yield* World
      const { port } = yield* AgentServer
      const [one, other] = [yield* world.agent, yield* world.agent]
      const fingerprint = world.authorityFingerprint
      const directory = yield* dataDirectory
      yield* startLink({ ports: [port], token: one.token, fingerprint, dataDirectory: directory }).pipe(
        Effect.tap(({ is }) => is("READY")),
        Effect.scoped
      )
      const next = yield* startLink({ ports: [port], token: other.token, fingerprint, dataDirectory: directory })
      yield* next.is("READY")
      assert.strictEqual((yield* next.identity.enrolled)?.agentId, other.id)
    })
  )

  it.effect("stays who it is when another token is refused", () =>
    Effect.gen(function* () {
      const world = yield* World
      const { port } = yield* AgentServer
      const { id, token } = yield* world.agent
      const fingerprint = world.authorityFingerprint
      const directory = yield* dataDirectory
      yield* startLink({ ports: [port], token, fingerprint, dataDirectory: directory }).pipe(
        Effect.tap(({ is }) => is("READY")),
        Effect.scoped
      )
      const spent = "a-token-that-expired-meanwhile"
      const next = yield* startLink({ ports: [port], token: spent, fingerprint, dataDirectory: directory })
      yield* next.is("READY")
      assert.strictEqual((yield* next.identity.enrolled)?.agentId, id)
    })
  )
})
