/**
 * Room for small pieces of bytes that live about equally long. Each in a buffer of its own would keep allocator and
 * collector busy, thousands of times a second; Node's shared pool would let one of them keep what is of other kinds alive.
 */
export class Slab {
  private readonly bytesMax: number
  private buffer = new Uint8Array(0)
  private used = 0

  /** A piece of more than half as much gets a buffer of its own. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Holds whatever was there before: to be filled. */
  take(bytes: number): Uint8Array {
    if (2 * bytes > this.bytesMax) return new Uint8Array(bytes)
    if (this.used + bytes > this.buffer.length) {
      this.buffer = new Uint8Array(this.bytesMax)
      this.used = 0
    }
    const piece = this.buffer.subarray(this.used, this.used + bytes)
    this.used += bytes
    return piece
  }
}
