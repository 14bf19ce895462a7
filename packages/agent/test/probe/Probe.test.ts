import { assert, describe, it } from "@effect/vitest"
import { type HttpProbe, probe } from "@nxmesh/agent/probe/Probe"
import { Effect } from "effect"
import { createServer, type IncomingMessage } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net"

const listening = <S extends Server>(server: S) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: S; readonly port: number }>((resume) => {
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ server, port: (server.address() as AddressInfo).port }))
      )
    }),
    () => Effect.sync(() => server.close())
  )

const http = (port: number, fields: Partial<HttpProbe> = {}): HttpProbe => ({
  _tag: "Http",
  address: "127.0.0.1",
  port,
  timeoutMillis: 5_000,
  path: "/up",
  host: "app.example:8080",
  tls: null,
  ...fields
})
const tcp = (port: number, timeoutMillis = 5_000) =>
  ({ _tag: "Tcp", address: "127.0.0.1", port, timeoutMillis }) as const

/** Takes connections and says nothing. */
const silent = Effect.gen(function* () {
  const sockets = new Set<Socket>()
  const listener = yield* listening(createTcpServer((socket) => sockets.add(socket)))
  yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => socket.destroy())))
  return { ...listener, sockets }
})

describe("probe", () => {
  it.live("passes an answer from 200 to 399, and names any other status", () =>
    Effect.gen(function* () {
      const seen: Array<IncomingMessage> = []
      const { port } = yield* listening(
        createServer((request, response) => {
          seen.push(request)
          response.writeHead(Number(request.url?.slice(1)), { location: "/200" }).end("a body that nobody reads")
        })
      )
      for (const status of [200, 204, 301, 399]) {
        assert.isNull(yield* probe(http(port, { path: `/${status}` })), String(status))
      }
      for (const status of [400, 404, 500, 503]) {
        assert.strictEqual(yield* probe(http(port, { path: `/${status}` })), `status ${status}`)
      }
      assert.strictEqual(seen.length, 8, "a redirect was followed")
      assert.deepInclude(seen[0]?.headers, { host: "app.example:8080", connection: "close" })
      assert.match(seen[0]?.headers["user-agent"] ?? "", /^nxmesh-agent\//)
    })
  )

  it.live("passes a connection for a check by TCP, and says when it is refused", () =>
    Effect.gen(function* () {
      const { port, server } = yield* silent
      assert.isNull(yield* probe(tcp(port)))
      yield* Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      assert.strictEqual(yield* probe(tcp(port)), "connection refused")
      assert.strictEqual(yield* probe(http(port)), "connection refused")
    })
  )

  it.live("gives up a server that takes the connection and does not answer, and lets go of the connection", () =>
    Effect.gen(function* () {
      const { port, sockets } = yield* silent
      const closed = Effect.callback<void>((resume) => {
        const [socket] = sockets
        socket?.once("close", () => resume(Effect.void))
        socket?.resume()
      })
      assert.strictEqual(yield* probe(http(port, { timeoutMillis: 200 })), "no answer within 0.2 s")
      yield* closed
    })
  )

  it.live("says what is wrong with an answer that is none, and with a plain server that should speak TLS", () =>
    Effect.gen(function* () {
      const { port } = yield* listening(createTcpServer((socket) => socket.end("SSH-2.0-x\r\n")))
      assert.match((yield* probe(http(port))) ?? "", /^HPE_|connection reset/)
      assert.isNotNull(yield* probe(http(port, { tls: { serverName: "app.example" } })))
    })
  )

  it.live("fails a request that cannot be sent, and does not break", () =>
    Effect.gen(function* () {
      assert.include(yield* probe(http(1, { path: "/a b\n" })), "cannot be asked")
      assert.include(yield* probe(http(1, { host: "a\r\nx: y" })), "cannot be asked")
    })
  )
})
