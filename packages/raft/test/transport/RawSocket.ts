/** The other end of a connection, byte by byte: for what no well-behaved node does. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"
import type { Message } from "@nxmesh/raft/core/Message"
import { FrameReader } from "@nxmesh/raft/transport/Framing"
import { decode, messageCodec } from "@nxmesh/raft/transport/MessageFormat"
import { encodeHello, type Hello, type HelloAnswer, spokenProtocols } from "@nxmesh/raft/transport/tcp/Hello"

export const frame = (bytes: Uint8Array): Uint8Array => {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, bytes.length, true)
  return Buffer.concat([head, bytes])
}

export const helloOf = (hello: Partial<Hello>): Uint8Array =>
  frame(
    encodeHello({
      protocol: spokenProtocols.oldest,
      cluster: "c1",
      from: "x",
      to: null,
      role: "peer",
      lane: "bulk",
      ...hello
    })
  )

export const welcomeOf = (from: string): Uint8Array =>
  frame(encodeHello({ _tag: "Welcome", protocol: spokenProtocols.oldest, cluster: "c1", from }))

export class RawSocket {
  readonly socket: Socket
  readonly frames: Array<Uint8Array> = []
  isClosed = false
  bytes = 0

  constructor(socket: Socket) {
    const reader = new FrameReader(400 * 1_048_576)
    this.socket = socket
    socket.on("data", (piece: Uint8Array) => {
      this.bytes += piece.length
      reader.push(piece, (complete) => complete.length > 0 && this.frames.push(complete.slice()))
    })
    socket.on("error", () => undefined)
    socket.on("close", () => {
      this.isClosed = true
    })
  }

  get helloAnswer(): HelloAnswer {
    return JSON.parse(Buffer.from(this.frames[0] ?? []).toString()) as HelloAnswer
  }

  /** Messages of this term. */
  heartbeats(term: number): number {
    return this.messages.filter((message) => message._tag === "Heartbeat" && message.term === term).length
  }

  /** After the hello. */
  get messages(): ReadonlyArray<Message> {
    return this.frames.slice(1).map((complete) => decode(messageCodec, complete))
  }

  get hello(): Hello {
    return JSON.parse(Buffer.from(this.frames[0] ?? []).toString()) as Hello
  }
}

export const connectRaw = (port: number): RawSocket => new RawSocket(connect({ host: "127.0.0.1", port }))

/** Listens like a node and does nothing by itself. */
export class RawServer {
  readonly connections: Array<RawSocket> = []
  private readonly server: Server

  private constructor() {
    this.server = createServer((socket) => this.connections.push(new RawSocket(socket)))
  }

  static async open(): Promise<RawServer> {
    const raw = new RawServer()
    await new Promise<void>((resolve) => raw.server.listen(0, "127.0.0.1", resolve))
    return raw
  }

  get address() {
    return { host: "127.0.0.1", port: (this.server.address() as AddressInfo).port }
  }

  /** Those that said hello for this lane, the newest last. */
  lane(lane: Hello["lane"]): ReadonlyArray<RawSocket> {
    return this.connections.filter((each) => each.frames.length > 0 && each.hello.lane === lane)
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve))
    for (const { socket } of this.connections) socket.destroy()
    await closed
  }
}
