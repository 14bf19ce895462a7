/**
 * Bytes on their way out: small values gather in large blocks, so that all that is said in one turn of the event loop
 * leaves in one write; large data is passed on as it is, without a copy.
 */
import { Limits } from "../../Limits.ts"

const { writeBlockBytes, copyBytesMax } = Limits.transport

export class ByteWriter {
  private block = Buffer.allocUnsafeSlow(writeBlockBytes)
  private view = new DataView(this.block.buffer)
  /** In `block`: where the bytes begin that are not in `pieces` yet, and where they end. */
  private start = 0
  private at = 0
  private pieces: Array<Uint8Array> = []
  private piecesBytes = 0

  /** That wait to be taken. */
  get bytes(): number {
    return this.piecesBytes + this.at - this.start
  }

  uint8(value: number): void {
    this.reserve(1)
    this.block[this.at++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    this.view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** Exact for every whole number that JavaScript calls safe. */
  float64(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** u32 bytes   UTF-8 */
  string(value: string): void {
    this.reserve(4 + 3 * value.length)
    const length = this.ascii(value) ? value.length : this.block.write(value, this.at + 4)
    this.view.setUint32(this.at, length, true)
    this.at += 4 + length
  }

  /** u32 bytes   bytes. They must not change before they are sent. */
  data(value: Uint8Array): void {
    this.uint32(value.length)
    if (value.length > copyBytesMax) {
      this.cut()
      this.push(value)
      return
    }
    this.reserve(value.length)
    this.block.set(value, this.at)
    this.at += value.length
  }

  /** u32 bytes   whatever `write` writes. */
  frame(write: () => void): void {
    this.reserve(4)
    const { view, at } = this
    this.at += 4
    const before = this.bytes
    write()
    view.setUint32(at, this.bytes - before, true)
  }

  /** What was written, for good: it belongs to the caller. */
  take(): ReadonlyArray<Uint8Array> {
    this.cut()
    const { pieces } = this
    this.pieces = []
    this.piecesBytes = 0
    return pieces
  }

  private ascii(value: string): boolean {
    if (value.length > 64) return false
    const at = this.at + 4
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      this.block[at + i] = code
    }
    return true
  }

  /** Bytes that were written stay where they are: whoever takes them looks at the block. */
  private reserve(bytes: number): void {
    if (this.at + bytes <= this.block.length) return
    this.cut()
    this.block = Buffer.allocUnsafeSlow(Math.max(bytes, writeBlockBytes))
    this.view = new DataView(this.block.buffer)
    this.start = 0
    this.at = 0
  }

  private cut(): void {
    if (this.at > this.start) this.push(this.block.subarray(this.start, this.at))
    this.start = this.at
  }

  private push(piece: Uint8Array): void {
    this.pieces.push(piece)
    this.piecesBytes += piece.length
  }
}
