/** What HTTP/2 (RFC 9113) puts around a unary gRPC call: frames, and the header block of the request. */

export const FrameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
export const endStream = 1
export const acknowledged = 1
const endHeaders = 4

export const frameHeadBytes = 9
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1")

export const frame = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(frameHeadBytes + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, frameHeadBytes)
  return bytes
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const windowUpdate = (stream: number, bytes: number): Buffer =>
  frame(FrameType.windowUpdate, 0, stream, uint32(bytes))

/** SETTINGS_HEADER_TABLE_SIZE, SETTINGS_ENABLE_PUSH: nothing of the answers' headers has to be remembered, or pushed. */
export const clientSettings = frame(
  FrameType.settings,
  0,
  0,
  Buffer.concat([Buffer.from([0, 1]), uint32(0), Buffer.from([0, 2]), uint32(0)])
)

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")])

/** Literal without indexing, name 4 of the static table (RFC 7541, 6.2.2): `:path`. */
const pathHeader = (path: string): Buffer => Buffer.concat([Buffer.from([0x04]), text(path)])

/** `:method: POST`, `:scheme`, then the path. */
const requestLine = (isSecure: boolean, path: string): Buffer =>
  Buffer.concat([Buffer.from([0x83, isSecure ? 0x87 : 0x86]), pathHeader(path)])

/** The first request teaches the server `:authority`, `content-type` and `te`; the others name them by index, as gRPC clients do. */
export const headersFrame = (
  stream: number,
  { authority, isFirst, isSecure, path }: { authority: string; isFirst: boolean; isSecure: boolean; path: string }
): Buffer => {
  const taught = [
    Buffer.from([0x41]),
    text(authority),
    Buffer.from([0x5f]),
    text("application/grpc"),
    Buffer.from([0x40]),
    text("te"),
    text("trailers")
  ]
  const indexed = Buffer.from([0xc0, 0xbf, 0xbe])
  const block = Buffer.concat([requestLine(isSecure, path), ...(isFirst ? taught : [indexed])])
  return frame(FrameType.headers, endHeaders, stream, block)
}

/** A message of gRPC, not compressed, that ends its stream. */
export const dataFrame = (stream: number, message: Uint8Array): Buffer => {
  const payload = Buffer.allocUnsafe(5 + message.length)
  payload[0] = 0
  payload.writeUInt32BE(message.length, 1)
  payload.set(message, 5)
  return frame(FrameType.data, endStream, stream, payload)
}

/** `onFrame(type, flags, stream, payload)` for every complete frame; what is incomplete waits for the next piece. */
export class FrameSplitter {
  private rest: Buffer = Buffer.alloc(0)

  push(piece: Buffer, onFrame: (type: number, flags: number, stream: number, payload: Buffer) => void): void {
    const bytes = this.rest.length === 0 ? piece : Buffer.concat([this.rest, piece])
    let at = 0
    while (bytes.length - at >= frameHeadBytes) {
      const end = at + frameHeadBytes + bytes.readUIntBE(at, 3)
      if (end > bytes.length) break
      const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff
      onFrame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + frameHeadBytes, end))
      at = end
    }
    this.rest = bytes.subarray(at)
  }
}
