/** One frame, read from its beginning to its end. Throws RangeError when it ends too early. */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Names of nodes come with every message: the last ones are kept, one for each slot. */
const knownSlots = 64
const knownLengthMax = 64
const known: Array<string> = Array.from({ length: knownSlots }, () => "")

export class ByteReader {
  private readonly view: DataView
  private bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  uint8(): number {
    return this.view.getUint8(this.skip(1))
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true)
  }

  float64(): number {
    return this.view.getFloat64(this.skip(8), true)
  }

  string(): string {
    const length = this.uint32()
    const start = this.skip(length)
    return (length <= knownLengthMax && this.known(start, length)) || this.decode(start, length)
  }

  /** Does not keep a network buffer alive: the first call copies the frame when it is part of a larger buffer. */
  data(): Uint8Array {
    const length = this.uint32()
    const start = this.skip(length)
    if (this.bytes.length < this.bytes.buffer.byteLength) this.bytes = copyOf(this.bytes)
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, length)
  }

  private skip(bytes: number): number {
    const start = this.at
    if (bytes > this.bytes.length - start) throw new RangeError(`${bytes} bytes are missing at ${start}`)
    this.at = start + bytes
    return start
  }

  private known(start: number, length: number): string | null {
    if (length === 0) return null
    const { bytes } = this
    const slot = ((bytes[start + length - 1] ?? 0) * 31 + (bytes[start] ?? 0) + length) % knownSlots
    const candidate = known[slot]
    if (candidate?.length === length && isAscii(bytes, start, candidate)) return candidate
    const decoded = this.decode(start, length)
    known[slot] = decoded
    return decoded
  }

  private decode(start: number, length: number): string {
    return utf8.decode(this.bytes.subarray(start, start + length))
  }
}

/** In a buffer of its own, which is not filled with zeros first. */
const copyOf = (bytes: Uint8Array): Uint8Array => {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

/** Whether the bytes are these very characters, all of them ASCII. */
const isAscii = (bytes: Uint8Array, start: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i] ?? 0x80
    if (byte > 0x7f || byte !== text.charCodeAt(i)) return false
  }
  return true
}
