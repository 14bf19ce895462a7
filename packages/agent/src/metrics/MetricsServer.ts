/** Serves `GET /metrics` where the settings say, and nothing else. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Data, Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { AgentMetrics } from "./AgentMetrics.ts"

export class MetricsServerError extends Data.TaggedError("MetricsServerError")<{ readonly message: string }> {}

/** Without an address there is no server. */
export const MetricsServer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { metricsAddress } = yield* Settings
    if (metricsAddress === null) return
    const { host, port } = metricsAddress
    const { contentType, text } = yield* AgentMetrics
    const runPromise = Effect.runPromiseWith(yield* Effect.context<never>())
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      if (request.url !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
        response.writeHead(404).end()
        return
      }
      runPromise(text).then(
        (body) => response.writeHead(200, { "content-type": contentType }).end(body),
        () => response.writeHead(500).end()
      )
    }
    const server = createServer({ maxHeaderSize: 8_192 }, answer)
    server.maxConnections = Limits.metricsConnectionsMax
    yield* Effect.callback<void, MetricsServerError>((resume) => {
      server.once("error", (cause) =>
        resume(
          new MetricsServerError({
            message: `cannot serve metrics on ${host}:${port}: ${cause.message}; free the address or set NXMESH_METRICS_ADDRESS`
          })
        )
      )
      server.listen(port, host, () => resume(Effect.void))
    })
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
    )
  })
)
