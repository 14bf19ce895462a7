/**
 * Messages in a stream of bytes: u32 bytes, little-endian, then so many. A frame without bytes says no more than that
 * the connection lives.
 */
import { MalformedMessage } from "./MalformedMessage.ts"

const headBytes = 4

/** Puts frames together from whatever pieces the network delivers. Holds at most one incomplete frame. */
export class FrameReader {
  bytesMax: number
  private readonly head = new Uint8Array(headBytes)
  private filledHead = 0
  /** The frame that began in an earlier piece; its buffer is its own. */
  private frame: Uint8Array | null = null
  private filled = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /**
   * Hands over every frame that is complete with this piece, in its order. One that lies within it is not copied: what is
   * kept of it must be. Throws MalformedMessage for one that is too long.
   */
  push(piece: Uint8Array, complete: (frame: Uint8Array) => void): void {
    for (let at = 0; at < piece.length;) {
      if (this.frame === null && this.filledHead === 0 && piece.length - at >= headBytes) {
        const start = at + headBytes
        const end = start + this.checked(lengthAt(piece, at))
        if (end <= piece.length) {
          complete(piece.subarray(start, end))
          at = end
          continue
        }
      }
      at += this.frame === null ? this.takeHead(piece, at) : this.takeBody(piece, at, this.frame)
      if (this.frame === null || this.filled < this.frame.length) continue
      const frame = this.frame
      this.frame = null
      this.filledHead = 0
      complete(frame)
    }
  }

  private takeHead(piece: Uint8Array, at: number): number {
    const part = piece.subarray(at, at + headBytes - this.filledHead)
    this.head.set(part, this.filledHead)
    this.filledHead += part.length
    if (this.filledHead < headBytes) return part.length
    this.frame = new Uint8Array(this.checked(lengthAt(this.head, 0)))
    this.filled = 0
    return part.length
  }

  private takeBody(piece: Uint8Array, at: number, frame: Uint8Array): number {
    const part = piece.subarray(at, at + frame.length - this.filled)
    frame.set(part, this.filled)
    this.filled += part.length
    return part.length
  }

  private checked(bytes: number): number {
    if (bytes <= this.bytesMax) return bytes
    throw new MalformedMessage({ cause: `a message of ${bytes} bytes, at most ${this.bytesMax} are allowed` })
  }
}

/** Without a DataView, of which there would be one for each frame. */
const lengthAt = (bytes: Uint8Array, at: number): number =>
  byteAt(bytes, at) +
  byteAt(bytes, at + 1) * 0x100 +
  byteAt(bytes, at + 2) * 0x1_0000 +
  byteAt(bytes, at + 3) * 0x100_0000

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0
