/**
 * Unary gRPC calls over one HTTP/2 connection, as lean as it goes: node:http2 would take a large part of the processors
 * that the servers are to have. It keeps to flow control, answers pings, and knows no more of HTTP/2 than etcd uses.
 */
import { connect as connectPlain } from "node:net"
import type { Socket } from "node:net"
import { connect as connectSecure } from "node:tls"
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"
import { FrameSplitter, FrameType, acknowledged, clientSettings, dataFrame, endStream } from "./Http2Frames.ts"
import { frame, headersFrame, preface, windowUpdate } from "./Http2Frames.ts"

export type Answered = (answer: Uint8Array | null, failure: string | null) => void

interface Waiting {
  readonly done: Answered
  message: Uint8Array | null
}

const initialWindowBytes = 65_535
const receiveWindowBytes = 1 << 30
const messageHeadBytes = 5

export class GrpcConnection {
  private readonly socket: Socket
  private readonly authority: string
  private readonly isSecure: boolean
  private readonly splitter = new FrameSplitter()
  private readonly waiting = new Map<number, Waiting>()
  private readonly outgoing: Array<Uint8Array> = []
  private readonly heldBack: Array<{ readonly headers: Buffer; readonly data: Buffer }> = []
  private sendWindow = initialWindowBytes
  private received = 0
  private nextStream = 1
  private failure: string | null = null

  constructor({ host, port }: Endpoint, tls: TlsIdentity | null) {
    this.authority = `${host}:${port}`
    this.isSecure = tls !== null
    this.socket =
      tls === null ? connectPlain({ host, port }) : connectSecure({ host, port, ...tls, ALPNProtocols: ["h2"] })
    this.socket.setNoDelay(true)
    this.socket.on("data", (piece) => this.receive(piece))
    this.socket.on("error", (error) => this.fail(error.message))
    this.socket.on("close", () => this.fail("the connection ended"))
    this.write(Buffer.concat([preface, clientSettings, windowUpdate(0, receiveWindowBytes)]))
  }

  get isBroken(): boolean {
    return this.failure !== null
  }

  call(path: string, message: Uint8Array, done: Answered): void {
    if (this.failure !== null) return done(null, this.failure)
    const stream = this.nextStream
    this.nextStream += 2
    this.waiting.set(stream, { done, message: null })
    const { authority, isSecure } = this
    const headers = headersFrame(stream, { authority, isFirst: stream === 1, isSecure, path })
    this.heldBack.push({ headers, data: dataFrame(stream, message) })
    this.sendHeldBack()
  }

  close(): void {
    this.fail("closed")
    this.socket.destroy()
  }

  /** Streams open in the order of their numbers, each when the server's window has room for its data. */
  private sendHeldBack(): void {
    let sent = 0
    for (const { data, headers } of this.heldBack) {
      if (data.length > this.sendWindow) break
      this.sendWindow -= data.length - 9
      this.write(headers)
      this.write(data)
      sent += 1
    }
    this.heldBack.splice(0, sent)
  }

  /** What one turn of the event loop writes leaves in one piece. */
  private write(bytes: Uint8Array): void {
    if (this.outgoing.length === 0) {
      setImmediate(() => {
        this.socket.write(this.outgoing.length === 1 ? this.outgoing[0]! : Buffer.concat(this.outgoing))
        this.outgoing.length = 0
      })
    }
    this.outgoing.push(bytes)
  }

  private receive(piece: Buffer): void {
    this.splitter.push(piece, (type, flags, stream, payload) => this.take(type, flags, stream, payload))
    if (this.received < receiveWindowBytes / 4) return
    this.write(windowUpdate(0, this.received))
    this.received = 0
  }

  private take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FrameType.data) {
      this.received += payload.length
      const waiting = this.waiting.get(stream)
      if (waiting !== undefined) {
        waiting.message = waiting.message === null ? payload : Buffer.concat([waiting.message, payload])
      }
      if (flags & endStream) this.finish(stream, null)
    } else if (type === FrameType.headers) {
      if (flags & endStream) this.finish(stream, null)
    } else if (type === FrameType.reset) this.finish(stream, `etcd reset the call (error ${payload.readUInt32BE(0)})`)
    else if (type === FrameType.windowUpdate && stream === 0) {
      this.sendWindow += payload.readUInt32BE(0)
      this.sendHeldBack()
    } else if (type === FrameType.settings && !(flags & acknowledged)) {
      this.write(frame(FrameType.settings, acknowledged, 0, new Uint8Array(0)))
    } else if (type === FrameType.ping && !(flags & acknowledged)) {
      this.write(frame(FrameType.ping, acknowledged, 0, payload))
    } else if (type === FrameType.goAway) this.close()
  }

  /** A refused call has trailers and no message. What they say is compressed, and nothing here reads it. */
  private finish(stream: number, failure: string | null): void {
    const waiting = this.waiting.get(stream)
    if (waiting === undefined) return
    this.waiting.delete(stream)
    const { done, message } = waiting
    if (failure !== null) done(null, failure)
    else if (message === null) done(null, "etcd refused the call")
    else done(message.subarray(messageHeadBytes), null)
  }

  private fail(failure: string): void {
    if (this.failure !== null) return
    this.failure = failure
    const lost = [...this.waiting.values()]
    this.waiting.clear()
    for (const { done } of lost) done(null, failure)
  }
}
