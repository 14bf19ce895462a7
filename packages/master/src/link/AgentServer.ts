/** The TLS 1.3 WebSocket server for agents. */
import type { IncomingMessage } from "node:http"
import { createServer, type Server } from "node:https"
import { type AddressInfo, createServer as createFront, type Server as Front } from "node:net"
import type { Duplex } from "node:stream"
import { TLSSocket } from "node:tls"
import { type WebSocket, WebSocketServer } from "@effect/platform-node/NodeWS"
import { Limits as coreLimits } from "@nxmesh/core/Limits"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { NonceCache } from "@nxmesh/core/crypto/NonceCache"
import { AgentLink } from "@nxmesh/protocol/link/AgentLink"
import { refused, type RefusalReason } from "@nxmesh/protocol/link/LinkRefused"
import { linkPath } from "@nxmesh/protocol/link/SignedCall"
import { Clock, Context, Data, Deferred, Duration, Effect, FiberSet, Layer, Redacted, Schedule, Stream } from "effect"
import { RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import type { ServerCertificate } from "../cluster/ServerCertificates.ts"
import { Limits } from "../Limits.ts"
import { Admission, connectionKey } from "./Admission.ts"
import type { AgentDirectory } from "./AgentDirectory.ts"
import { AgentLinkHandlers, stopReason } from "./AgentLinkHandlers.ts"
import type { AddressSet } from "../network/AddressSet.ts"
import { boundedLines } from "../network/BoundedLines.ts"
import { AgentServerSettings } from "./AgentServerSettings.ts"
import { isIdentityHeader } from "./CallVerification.ts"
import { LinkAuthenticationLayer } from "./LinkAuthenticationLayer.ts"
import { closeCodes, type LinkConnection, LinkConnections } from "./LinkConnection.ts"
import { LinkMetrics } from "./LinkMetrics.ts"
import { LinkProtocol, recordRefusal } from "./LinkProtocol.ts"
import { PiecewiseWriter } from "./PiecewiseWriter.ts"
import { isPeerPath } from "./PeerHandler.ts"

export class AgentServerError extends Data.TaggedError("AgentServerError")<{ readonly message: string }> {}

const { link: limits } = Limits

/** Masters show a certificate, agents have none: what a certificate is worth, whoever takes one from a connection decides. */
const tlsOptions = ({ authorityPem, certificatePem, privateKeyPem }: ServerCertificate) => ({
  minVersion: "TLSv1.3" as const,
  ca: authorityPem,
  cert: `${certificatePem.trim()}\n${authorityPem.trim()}\n`,
  key: Redacted.value(privateKeyPem)
})

const listen = (server: Front, host: string, port: number) =>
  Effect.callback<AddressInfo, AgentServerError>((resume) => {
    const onError = (cause: Error) =>
      resume(
        new AgentServerError({
          message: `cannot listen for agents on ${host}:${port}: ${cause.message}; free the address or set NXMESH_AGENT_ADDRESS`
        })
      )
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.off("error", onError)
      resume(Effect.succeed(server.address() as AddressInfo))
    })
  })

/** Why an upgrade is refused, with its HTTP status; `null` when it may go on. */
const upgradeRefusal = (
  request: IncomingMessage,
  connections: LinkConnections["Service"],
  remoteAddress: string,
  isAllowed: AddressSet
): { readonly status: string; readonly reason: RefusalReason; readonly detail: string } | null => {
  if (!isAllowed(remoteAddress)) {
    return {
      status: "403 Forbidden",
      reason: "address_not_allowed",
      detail: "network.agent_allowlist does not hold the address"
    }
  }
  if (request.url !== linkPath) {
    return { status: "404 Not Found", reason: "malformed", detail: `agents connect to ${linkPath}` }
  }
  const claimed = Object.keys(request.headers).find(isIdentityHeader)
  if (claimed !== undefined) {
    return {
      status: "400 Bad Request",
      reason: "identity_header",
      detail: `the upgrade sets ${claimed}: identity comes from signed calls alone`
    }
  }
  if (
    connections.size() >= limits.connectionsMax ||
    connections.unauthenticatedFrom(remoteAddress) >= limits.unauthenticatedPerAddressMax
  ) {
    return { status: "503 Service Unavailable", reason: "connection_limit", detail: "too many connections" }
  }
  return null
}

/** The socket of an accepted upgrade as a connection whose scope ends with it. */
const makeConnection = Effect.fnUntraced(function* (
  id: number,
  socket: TLSSocket,
  webSocket: WebSocket,
  settled: () => void
) {
  const connection: LinkConnection = {
    id,
    remoteAddress: socket.remoteAddress ?? "",
    binding: channelBinding(socket),
    nonces: new NonceCache({
      windowMillis: coreLimits.crypto.callWindowMillis,
      countMax: limits.noncesPerConnectionMax
    }),
    scope: yield* Effect.scope,
    authenticated: yield* Deferred.make<void>(),
    send: new PiecewiseWriter(webSocket).send,
    close: (code, reason) => webSocket.close(code, reason),
    settled,
    agentId: null,
    keyId: null,
    epoch: 0,
    session: null,
    ending: null
  }
  return connection
})

/** Ends a connection that does not show who it is, or that has gone silent. */
const watch = Effect.fnUntraced(function* (connection: LinkConnection, webSocket: WebSocket) {
  yield* Deferred.await(connection.authenticated).pipe(
    Effect.timeoutOrElse({
      duration: limits.authenticateTimeout,
      orElse: () =>
        recordRefusal(refused("unauthenticated", "no verified call within the time for one"), {
          remoteAddress: connection.remoteAddress
        }).pipe(Effect.andThen(Effect.sync(() => connection.close(closeCodes.unauthenticated, "unauthenticated"))))
    })
  )
  let heardMillis = yield* Clock.currentTimeMillis
  let heard = false
  const hear = () => {
    heard = true
  }
  webSocket.on("ping", hear)
  webSocket.on("message", hear)
  yield* Effect.gen(function* () {
    const nowMillis = yield* Clock.currentTimeMillis
    if (heard) heardMillis = nowMillis
    heard = false
    if (nowMillis - heardMillis > Duration.toMillis(limits.silenceTimeout)) webSocket.terminate()
  }).pipe(Effect.repeat(Schedule.spaced(limits.silenceCheckInterval)))
})

/** One connection from its upgrade to its end. */
const serve = Effect.fnUntraced(function* (id: number, socket: TLSSocket, webSocket: WebSocket, settled: () => void) {
  const connections = yield* LinkConnections
  const metrics = yield* LinkMetrics
  const { accept } = yield* LinkProtocol
  const connection = yield* makeConnection(id, socket, webSocket, settled)
  yield* Effect.acquireRelease(
    Effect.sync(() => connections.add(connection)),
    () =>
      Effect.sync(() => connections.remove(connection)).pipe(
        Effect.andThen(() => metrics.connections(connections.size()))
      )
  )
  yield* metrics.connections(connections.size())
  yield* Effect.forkScoped(watch(connection, webSocket))
  yield* accept(connection, yield* Socket.fromWebSocket(Effect.succeed(webSocket)))
}, Effect.scoped)

/** Takes another list, and sends away whoever is connected and not on it. */
const keepTo = Effect.fnUntraced(function* (isAllowed: AddressSet) {
  const connections = yield* LinkConnections
  const gone = connections.all().filter(({ remoteAddress }) => !isAllowed(remoteAddress))
  for (const connection of gone) connection.close(closeCodes.refused, "address_not_allowed")
  if (gone.length > 0) {
    yield* Effect.logWarning("agents were sent away: network.agent_allowlist does not hold their addresses", {
      agents: gone.length
    })
  }
})

const stop = Effect.fnUntraced(function* (
  server: Server,
  front: Front,
  admission: Admission,
  webSockets: WebSocketServer
) {
  const connections = yield* LinkConnections
  yield* Deferred.succeed(connections.stopping, undefined)
  yield* Effect.forEach(connections.all(), ({ session }) => session?.dismiss(stopReason) ?? Effect.void, {
    discard: true
  })
  front.close()
  admission.stop()
  yield* Effect.suspend(() => (connections.size() === 0 ? Effect.void : Effect.fail("open" as const))).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeoutOption(limits.goodbyeGrace),
    Effect.orElseSucceed(() => undefined)
  )
  for (const connection of connections.all()) connection.close(closeCodes.goingAway, "the master stops")
  webSockets.close()
  for (const webSocket of webSockets.clients) webSocket.terminate()
  server.closeAllConnections()
})

export class AgentServer extends Context.Service<AgentServer, { readonly host: string; readonly port: number }>()(
  "@nxmesh/master/link/AgentServer"
) {
  /** Listens while its scope lasts; at its end agents are told to go elsewhere. */
  static readonly layerNoDeps = Layer.effect(
    AgentServer,
    Effect.gen(function* () {
      const settings = yield* AgentServerSettings
      const connections = yield* LinkConnections
      const webSockets = new WebSocketServer({
        noServer: true,
        perMessageDeflate: false,
        maxPayload: limits.requestBytesMax
      })
      const server = createServer({
        ...tlsOptions(yield* settings.certificate),
        handshakeTimeout: Duration.toMillis(limits.authenticateTimeout),
        headersTimeout: Duration.toMillis(limits.authenticateTimeout),
        connectionsCheckingInterval: Duration.toMillis(limits.silenceCheckInterval),
        requestTimeout: Duration.toMillis(limits.authenticateTimeout),
        keepAliveTimeout: Duration.toMillis(limits.peerKeepAlive),
        maxHeaderSize: 16_384,
        requestCert: true,
        rejectUnauthorized: false
      })
      const admission = new Admission({
        admittedMax: limits.admittedMax,
        waitingMax: limits.connectionsMax,
        admit: (socket) => server.emit("connection", socket)
      })
      // Takes connections and reads nothing of them.
      const front = createFront({ pauseOnConnect: true, noDelay: true }, (socket) => admission.offer(socket))
      front.maxConnections = limits.connectionsMax
      yield* Effect.sync(() => admission.sweep()).pipe(
        Effect.repeat(Schedule.spaced(limits.admissionSweepInterval)),
        Effect.forkScoped
      )
      const fibers = yield* FiberSet.make<void>()
      const run = yield* FiberSet.runtime(fibers)<AgentDirectory | LinkConnections | LinkMetrics | LinkProtocol>()
      let nextId = 0
      let isAllowed: AddressSet = settings.allowed === undefined ? () => true : yield* settings.allowed.initial
      const isLogged = boundedLines()
      server.on("request", (request, response) => {
        // What masters ask each other is no burden of many steps.
        admission.settled(connectionKey(request.socket))
        if (settings.peer !== undefined && isPeerPath(request.url)) return settings.peer(request, response)
        response.writeHead(426, { upgrade: "websocket", connection: "close" }).end()
      })
      server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.on("error", () => socket.destroy())
        if (!(socket instanceof TLSSocket)) return void socket.destroy()
        const remoteAddress = socket.remoteAddress ?? ""
        const key = connectionKey(socket)
        const refusal = upgradeRefusal(request, connections, remoteAddress, isAllowed)
        if (refusal !== null) {
          socket.end(`HTTP/1.1 ${refusal.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
          run(recordRefusal(refused(refusal.reason, refusal.detail), { remoteAddress }, isLogged))
          return
        }
        webSockets.handleUpgrade(request, socket, head, (webSocket) => {
          webSocket.on("error", () => webSocket.terminate())
          run(serve(nextId++, socket, webSocket, () => admission.settled(key)))
        })
      })
      yield* Effect.forkScoped(
        Stream.runForEach(settings.allowed?.changes ?? Stream.never, (next) =>
          Effect.suspend(() => keepTo((isAllowed = next)))
        )
      )
      yield* Effect.forkScoped(
        Stream.runForEach(settings.renewals, (certificate) =>
          Effect.sync(() => server.setSecureContext(tlsOptions(certificate))).pipe(
            Effect.andThen(Effect.logInfo("the agent server's certificate was renewed"))
          )
        )
      )
      const address = yield* listen(front, settings.host, settings.port)
      yield* Effect.addFinalizer(() => stop(server, front, admission, webSockets))
      yield* Effect.logInfo("listening for agents").pipe(
        Effect.annotateLogs({ host: address.address, port: address.port })
      )
      return AgentServer.of({ host: settings.host, port: address.port })
    })
  )

  /** Needs who the agents are, what serves them, and where to listen. */
  static readonly layer = this.layerNoDeps.pipe(
    Layer.provideMerge(
      RpcServer.layer(AgentLink, { disableFatalDefects: true, disableTracing: true }).pipe(
        Layer.provide([
          AgentLinkHandlers,
          LinkAuthenticationLayer,
          Layer.effect(
            RpcServer.Protocol,
            Effect.map(LinkProtocol, ({ protocol }) => protocol)
          )
        ])
      )
    ),
    Layer.provideMerge(LinkProtocol.layer.pipe(Layer.provideMerge(LinkConnections.layer)))
  )
}
