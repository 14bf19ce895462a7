/**
 * The HTTP listener. Stopping, it takes no new connections, closes each connection after the answer that is under way
 * on it, and cuts what is left at the drain's bound.
 */
import { createServer, type Server, type ServerResponse } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"

class DrainingServer extends Context.Service<
  DrainingServer,
  {
    readonly server: Server
    /** From now on every answer is the last one of its connection. */
    readonly drain: () => void
  }
>()("@nxmesh/master/api/DrainingServer") {
  static readonly layer = Layer.sync(DrainingServer, () => {
    const running = new Set<ServerResponse>()
    let draining = false
    const server = createServer({
      maxHeaderSize: Limits.api.headerBytesMax,
      headersTimeout: Limits.api.headersTimeoutMillis,
      requestTimeout: Limits.api.requestTimeoutMillis,
      keepAliveTimeout: Limits.api.keepAliveTimeoutMillis
    })
    server.maxConnections = Limits.api.connectionsMax
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
      drain: () => {
        draining = true
        for (const response of running) response.shouldKeepAlive = false
      }
    })
  })
}

const layerSocket = Layer.unwrap(
  Effect.gen(function* () {
    const { httpAddress } = yield* Settings
    const { server } = yield* DrainingServer
    return NodeHttpServer.layer(() => server, { ...httpAddress, gracefulShutdownTimeout: Limits.api.drain })
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
  layerDrain.pipe(
    Layer.provideMerge(handlers),
    Layer.provide(layerCut),
    Layer.provideMerge(layerSocket),
    Layer.provide(DrainingServer.layer)
  )
