/**
 * The HTTP listener, with TLS where the settings name a certificate. It bounds what a client can take of it: connections, headers,
 * and time. Stopping, it takes no new connections, closes each connection after the answer that is under way on it, and cuts what
 * is left at the drain's bound.
 */
import { createServer, type Server, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Context, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { addressSet } from "../network/AddressSet.ts"
import { Settings, type SettingsShape } from "../Settings.ts"
import { ApiCertificateError, certificateFiles, followPair, readPair } from "./ApiCertificate.ts"
import { connectionCount } from "./ConnectionCount.ts"
import { serveRedirect } from "./HttpsRedirect.ts"
import { ListenerLimits, type ListenerLimitsShape } from "./ListenerLimits.ts"

const bounds = (limits: ListenerLimitsShape) => ({
  maxHeaderSize: limits.headerBytesMax,
  headersTimeout: limits.headersTimeoutMillis,
  requestTimeout: limits.requestTimeoutMillis,
  keepAliveTimeout: limits.keepAliveTimeoutMillis,
  connectionsCheckingInterval: limits.slowCheckMillis
})

/** Plain, or with the certificate of the settings, which is read again while the scope lasts. */
const makeServer = Effect.fnUntraced(function* (settings: SettingsShape, limits: ListenerLimitsShape) {
  const files = yield* certificateFiles(settings)
  if (files === null) return createServer(bounds(limits)) as Server
  const pair = yield* readPair(files)
  const minVersion = settings.tlsMinVersion
  const server = createTlsServer({
    ...bounds(limits),
    ...pair,
    minVersion,
    handshakeTimeout: limits.handshakeTimeoutMillis
  })
  // What is no TLS, and a client that takes no version or no cipher of ours, are theirs to mend.
  server.on("tlsClientError", (_error, socket) => socket.destroy())
  yield* followPair(files, pair, (next) => server.setSecureContext({ ...next, minVersion }))
  return server as unknown as Server
})

const connectionsRefused = Effect.flatMap(Metrics, ({ counter }) =>
  counter({
    name: "nxmesh_master_http_connections_refused_total",
    help: "Connections closed because their address had too many."
  })
)

class DrainingServer extends Context.Service<
  DrainingServer,
  {
    readonly server: Server
    /** From now on every answer is the last one of its connection. */
    readonly drain: () => void
    /** For another listener beside this one: connections of one address count together. */
    readonly onConnection: ReturnType<typeof connectionCount>
  }
>()("@nxmesh/master/api/DrainingServer") {
  static readonly layer = Layer.effect(
    DrainingServer,
    Effect.gen(function* () {
      const settings = yield* Settings
      const limits = yield* ListenerLimits
      const refused = yield* connectionsRefused
      const server = yield* makeServer(settings, limits)
      const running = new Set<ServerResponse>()
      let draining = false
      const onConnection = connectionCount({
        perAddressMax: limits.connectionsPerAddressMax,
        isProxy: addressSet(settings.trustedProxies),
        onRefused: () => refused.inc()
      })
      server.maxConnections = limits.connectionsMax
      server.on("connection", onConnection)
      server.on("request", (_request, response) => {
        // The handlers are being built: who comes before them would wait for ever.
        if (server.listenerCount("request") === 1) {
          response.writeHead(503, { "retry-after": "1", connection: "close" }).end("the master is starting\n")
          return
        }
        response.shouldKeepAlive &&= !draining
        running.add(response)
        response.once("close", () => running.delete(response))
      })
      return DrainingServer.of({
        server,
        onConnection,
        drain: () => {
          draining = true
          for (const response of running) response.shouldKeepAlive = false
        }
      })
    })
  )
}

const layerSocket = Layer.unwrap(
  Effect.gen(function* () {
    const { httpAddress } = yield* Settings
    const { server } = yield* DrainingServer
    return NodeHttpServer.layer(() => server, { ...httpAddress, gracefulShutdownTimeout: Limits.api.drain })
  })
)

/** Beside the listener with TLS, where the settings say so. */
const layerRedirect = Layer.effectDiscard(
  Effect.gen(function* () {
    const { httpRedirectAddress, tlsCertificateFile } = yield* Settings
    if (httpRedirectAddress === null) return
    if (tlsCertificateFile === null) {
      return yield* new ApiCertificateError({
        message:
          "NXMESH_HTTP_REDIRECT_ADDRESS sends browsers to https: set NXMESH_TLS_CERTIFICATE_FILE and NXMESH_TLS_KEY_FILE too"
      })
    }
    const { onConnection, server } = yield* DrainingServer
    const httpsPort = () => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : 443
    }
    const { address, port } = yield* serveRedirect(httpRedirectAddress, httpsPort, yield* ListenerLimits, onConnection)
    yield* Effect.logInfo("browsers that come by plain HTTP are sent to https", { host: address, port })
  })
)

/** Released after the handlers and before the socket: what the drain left is cut. */
const layerCut = Layer.effectDiscard(
  Effect.flatMap(DrainingServer, ({ server }) =>
    Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  )
)

/** Released first of all. */
const layerDrain = Layer.effectDiscard(
  Effect.flatMap(DrainingServer, ({ drain }) => Effect.addFinalizer(() => Effect.sync(drain)))
)

/** Serves the handlers at the address of the settings. */
export const layerListening = <A, E, R>(handlers: Layer.Layer<A, E, R>) =>
  Layer.merge(layerDrain, layerRedirect).pipe(
    Layer.provideMerge(handlers),
    Layer.provide(layerCut),
    Layer.provideMerge(layerSocket),
    Layer.provide(DrainingServer.layer)
  )
