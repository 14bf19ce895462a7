/** A real HTTP backend for nginx to proxy to: answers with its name, slowly when asked to, and echoes over WebSockets. */
import { Effect } from "effect"
import { createServer, type Server } from "node:http"
import { WebSocketServer } from "ws"

export interface Backend {
  readonly port: number
  readonly address: string
  /** Requests answered so far. */
  readonly answered: () => number
}

const start = (name: string) =>
  Effect.callback<{ readonly backend: Backend; readonly close: Effect.Effect<void> }, Error>((resume) => {
    let answered = 0
    const server: Server = createServer((request, response) => {
      const delayMillis = Number(/[?&]delay=(\d+)/.exec(request.url ?? "")?.[1] ?? 0)
      setTimeout(() => {
        answered += 1
        response.setHeader("content-type", "application/json")
        response.end(JSON.stringify({ backend: name, url: request.url, headers: request.headers }))
      }, delayMillis)
    })
    const sockets = new WebSocketServer({ server })
    sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)))
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : 0
      const close = Effect.callback<void>((done) => {
        for (const socket of sockets.clients) socket.terminate()
        sockets.close()
        server.closeAllConnections()
        server.close(() => done(Effect.void))
      })
      resume(Effect.succeed({ backend: { port, address: `127.0.0.1:${port}`, answered: () => answered }, close }))
    })
  })

export const backend = (name: string) =>
  Effect.acquireRelease(start(name).pipe(Effect.orDie), ({ close }) => close).pipe(
    Effect.map(({ backend: running }) => running)
  )
