import { assert, describe, it } from "@effect/vitest"
import { createServer } from "node:http2"
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2"
import type { AddressInfo } from "node:net"
import { GrpcConnection } from "../../../bench/raft/etcd/GrpcConnection.ts"

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, message: Buffer) => void

/** Node's own HTTP/2 in the place of etcd's: a peer that knows nothing of the client's shortcuts. */
const withServer = async (
  handler: Handler,
  use: (connection: GrpcConnection, server: Http2Server) => Promise<void>
) => {
  const server = createServer()
  server.on("stream", (stream, headers) => {
    const pieces: Array<Buffer> = []
    stream.on("error", () => undefined)
    stream.on("data", (piece: Buffer) => pieces.push(piece))
    stream.on("end", () => handler(stream, headers, Buffer.concat(pieces).subarray(5)))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const connection = new GrpcConnection({ id: "s", host: "127.0.0.1", port }, null)
  try {
    await use(connection, server)
  } finally {
    connection.close()
    server.close()
  }
}

const answer = (stream: ServerHttp2Stream, message: Uint8Array): void => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
  stream.end(Buffer.concat([head, message]))
}

const call = (connection: GrpcConnection, message: Uint8Array) =>
  new Promise<{ readonly answer: Uint8Array | null; readonly failure: string | null }>((resolve) =>
    connection.call("/test.Service/Echo", message, (answer, failure) => resolve({ answer, failure }))
  )

describe("the benchmark's gRPC client", () => {
  it("says in every call what gRPC asks for, also where it names headers by their index", () =>
    withServer(
      (stream, headers) => {
        const { ":method": method, ":path": path, "content-type": contentType, te } = headers
        answer(stream, Buffer.from([method, path, contentType, te].join(" ")))
      },
      async (connection) => {
        const expected = "POST /test.Service/Echo application/grpc trailers"
        for (let calls = 0; calls < 3; calls++) {
          const { answer: said } = await call(connection, new Uint8Array(0))
          assert.strictEqual(Buffer.from(said ?? []).toString(), expected)
        }
      }
    ))

  it("keeps to the server's window and loses nothing when far more than it waits to be sent", () =>
    withServer(
      (stream, _headers, message) => answer(stream, message),
      async (connection) => {
        const messages = Array.from({ length: 1_000 }, (_, number) => new Uint8Array(1_000).fill(number % 256))
        const answers = await Promise.all(messages.map((message) => call(connection, message)))
        for (const [at, { answer: echoed, failure }] of answers.entries()) {
          assert.strictEqual(failure, null)
          assert.deepStrictEqual(new Uint8Array(echoed ?? []), messages[at])
        }
      }
    ))

  it("takes a call without a message in its answer for refused", () =>
    withServer(
      (stream) => stream.respond({ ":status": 200, "grpc-status": "14" }, { endStream: true }),
      async (connection) => {
        const { failure } = await call(connection, new Uint8Array(8))
        assert.strictEqual(failure, "etcd refused the call")
      }
    ))

  it("fails every call that waits when the connection ends", () =>
    withServer(
      (stream) => stream.session?.destroy(),
      async (connection) => {
        const answers = await Promise.all([1, 2, 3].map(() => call(connection, new Uint8Array(8))))
        assert.isTrue(answers.every(({ failure }) => failure !== null))
        assert.isTrue(connection.isBroken)
      }
    ))
})
