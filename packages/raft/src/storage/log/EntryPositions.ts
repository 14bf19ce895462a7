/** Where each live entry of the log is: three numbers an entry, found by its index. */
import type { Index, Term } from "../../core/Types.ts"

export interface EntryPosition {
  readonly segment: number
  readonly offset: number
  readonly term: Term
  /** Bytes of data in its record. */
  readonly length: number
}

const initialCapacity = 1_024

export class EntryPositions {
  /** The first index the log holds, or would hold: `last + 1` when it is empty. */
  first: Index
  last: Index
  /** What slot 0 stands for. Compaction moves `first` ahead of it and copies only when most of the slots are dead. */
  private base: Index
  private segments = new Uint32Array(initialCapacity)
  private offsets = new Uint32Array(initialCapacity)
  private lengths = new Uint32Array(initialCapacity)
  private terms = new Float64Array(initialCapacity)

  constructor(first: Index) {
    this.first = first
    this.base = first
    this.last = first - 1
  }

  get(index: Index): EntryPosition | null {
    if (index < this.first || index > this.last) return null
    const slot = index - this.base
    return {
      segment: this.segments[slot] as number,
      offset: this.offsets[slot] as number,
      length: this.lengths[slot] as number,
      term: this.terms[slot] as number
    }
  }

  /** Adds the entry after the last. */
  push(segment: number, offset: number, term: Term, length: number): void {
    if (this.last + 1 - this.base === this.terms.length) this.resize((this.last + 1 - this.first) * 2)
    const slot = this.last + 1 - this.base
    this.segments[slot] = segment
    this.offsets[slot] = offset
    this.lengths[slot] = length
    this.terms[slot] = term
    this.last += 1
  }

  /** Forgets entries from `index` on. Below the first entry, the log is empty and goes on with `index`. */
  truncateFrom(index: Index): void {
    if (index > this.last) return
    if (index <= this.first) this.restart(index)
    else this.last = index - 1
  }

  /** Forgets entries up to and with `index`, which may be beyond the last. */
  compactTo(index: Index): void {
    if (index < this.first) return
    if (index >= this.last) return this.restart(index + 1)
    this.first = index + 1
    const live = this.last - index
    if (this.terms.length > initialCapacity && live * 4 < this.terms.length) this.resize(live * 2)
  }

  restart(first: Index): void {
    this.first = first
    this.base = first
    this.last = first - 1
  }

  private resize(capacity: number): void {
    const from = this.first - this.base
    const to = this.last + 1 - this.base
    const size = Math.max(initialCapacity, capacity)
    this.segments = grown(this.segments.subarray(from, to), new Uint32Array(size))
    this.offsets = grown(this.offsets.subarray(from, to), new Uint32Array(size))
    this.lengths = grown(this.lengths.subarray(from, to), new Uint32Array(size))
    this.terms = grown(this.terms.subarray(from, to), new Float64Array(size))
    this.base = this.first
  }
}

const grown = <A extends Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(live: A, into: A): A => {
  into.set(live)
  return into
}
