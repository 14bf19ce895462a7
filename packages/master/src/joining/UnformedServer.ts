/**
 * What a master answers at its agent address while it has no cluster: which other masters it sees. Its certificate means
 * nothing; both sides show that they know the cluster secret, on this connection alone.
 */
import { createServer, type Server } from "node:https"
import { issueServerCertificate, makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import type { FormingView } from "@nxmesh/protocol/peer/Forming"
import { UnformedApi } from "@nxmesh/protocol/peer/PeerApi"
import { peerRefused, type PeerRefused } from "@nxmesh/protocol/peer/PeerRefused"
import { Clock, Duration, Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Limits } from "../Limits.ts"
import { answerOf, type ClusterSecret, isQuestion } from "./FormingProofs.ts"
import { JoinError } from "./JoinCluster.ts"
import { peerHandler } from "./PeerEdge.ts"
import { addressOf, socketOf } from "./PeerSocket.ts"

/** Whether or not there is a cluster: the view, to who shows that it knows the secret. */
export const answerForming = (secret: ClusterSecret, view: () => FormingView) =>
  Effect.fnUntraced(function* (question: Parameters<typeof isQuestion>[1]) {
    const socket = socketOf(yield* HttpServerRequest.HttpServerRequest)
    const binding = socket === undefined ? undefined : channelBinding(socket)
    if (binding === undefined || !isQuestion(secret, question, binding)) {
      return yield* peerRefused(
        "cluster_secret",
        "the cluster secret is another one: give every master the same file as NXMESH_CLUSTER_SECRET_FILE"
      )
    }
    return answerOf(secret, view(), binding)
  })

/** A master with another secret asks several times a second: one refusal in a while is said. */
const makeSayRefusal = Effect.sync(() => {
  let saidMillis: number | null = null
  return Effect.fnUntraced(function* ({ detail, reason }: PeerRefused) {
    const nowMillis = yield* Clock.currentTimeMillis
    if (saidMillis !== null && nowMillis - saidMillis < Duration.toMillis(Limits.joining.waitLogged)) return
    saidMillis = nowMillis
    const remoteAddress = addressOf(socketOf(yield* HttpServerRequest.HttpServerRequest))
    yield* Effect.logWarning("a question about forming a cluster was refused", {
      reason,
      detail,
      remote_address: remoteAddress
    })
  })
})

const listen = (server: Server, { host, port }: Address) =>
  Effect.callback<void, JoinError>((resume) => {
    server.once("error", (cause) =>
      resume(
        Effect.fail(
          new JoinError({
            reason: "Settings",
            message: `cannot listen on ${addressText({ host, port })}: ${cause.message}; free the address or set NXMESH_AGENT_ADDRESS`
          })
        )
      )
    )
    server.listen({ host, port }, () => resume(Effect.void))
  })

const close = (server: Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

/** Nothing that anybody should trust. */
const anyCertificate = Effect.gen(function* () {
  const authority = yield* makeCertificateAuthority("NxMesh forming")
  return yield* issueServerCertificate(authority, { dnsNames: ["nxmesh-forming"], ipAddresses: [] })
}).pipe(
  Effect.provide(Identifiers.layer),
  Effect.mapError(({ message }) => new JoinError({ reason: "Settings", message }))
)

/** Answers while the scope lasts; at its end the address is free again. */
export const serveUnformed = Effect.fnUntraced(function* (
  address: Address,
  secret: ClusterSecret,
  view: () => FormingView
) {
  const { certificatePem, privateKeyPem } = yield* anyCertificate
  const sayRefusal = yield* makeSayRefusal
  const handlers = HttpApiBuilder.group(UnformedApi, "forming", (group) => {
    const answer = answerForming(secret, view)
    return group.handleAll({ ask: ({ payload }) => Effect.tapError(answer(payload), sayRefusal) })
  })
  const handler = yield* peerHandler(HttpApiBuilder.layer(UnformedApi).pipe(Layer.provide(handlers)))
  const timeoutMillis = Duration.toMillis(Limits.joining.connectTimeout)
  const server = createServer(
    {
      cert: certificatePem,
      key: Redacted.value(privateKeyPem),
      minVersion: "TLSv1.3",
      handshakeTimeout: timeoutMillis,
      headersTimeout: timeoutMillis,
      requestTimeout: timeoutMillis
    },
    handler
  )
  server.maxConnections = Limits.joining.connectionsMax
  yield* Effect.acquireRelease(listen(server, address), () => close(server))
})
