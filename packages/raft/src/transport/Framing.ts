/** Messages in a stream of bytes: u32 bytes, little-endian, then so many. */
import { Limits } from "../Limits.ts"
import { MalformedMessage } from "./MessageFormat.ts"

const lengthBytes = 4

/** What goes before a message of so many bytes. */
export const frameHead = (bytes: number): Uint8Array => {
  const head = new Uint8Array(lengthBytes)
  new DataView(head.buffer).setUint32(0, bytes, true)
  return head
}

/** Puts frames together from whatever pieces the network delivers. Holds at most one incomplete frame. */
export class FrameReader {
  private readonly bytesMax: number
  private readonly head = new Uint8Array(lengthBytes)
  private headBytes = 0
  private frame: Uint8Array | null = null
  private filled = 0

  constructor(bytesMax: number = Limits.transport.frameBytesMax) {
    this.bytesMax = bytesMax
  }

  /** Every frame that is complete with this piece. Throws MalformedMessage for one that is too long. */
  push(piece: Uint8Array): ReadonlyArray<Uint8Array> {
    const frames: Array<Uint8Array> = []
    for (let at = 0; at < piece.length;) {
      at += this.frame === null ? this.takeHead(piece, at) : this.takeBody(piece, at, this.frame)
      if (this.frame === null || this.filled < this.frame.length) continue
      frames.push(this.frame)
      this.frame = null
      this.headBytes = 0
    }
    return frames
  }

  private takeHead(piece: Uint8Array, at: number): number {
    const part = piece.subarray(at, at + lengthBytes - this.headBytes)
    this.head.set(part, this.headBytes)
    this.headBytes += part.length
    if (this.headBytes < lengthBytes) return part.length
    const length = new DataView(this.head.buffer).getUint32(0, true)
    if (length > this.bytesMax) {
      throw new MalformedMessage({ cause: `a message of ${length} bytes, at most ${this.bytesMax} are allowed` })
    }
    this.frame = new Uint8Array(length)
    this.filled = 0
    return part.length
  }

  private takeBody(piece: Uint8Array, at: number, frame: Uint8Array): number {
    const part = piece.subarray(at, at + frame.length - this.filled)
    frame.set(part, this.filled)
    this.filled += part.length
    return part.length
  }
}
