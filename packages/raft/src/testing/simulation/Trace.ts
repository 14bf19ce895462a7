/**
 * Everything that happened in a run, folded into one number: two runs of a seed that differ anywhere differ here. Where
 * lines are kept, for the report of a failure, each event is also written out.
 */
export class Trace {
  private low = 0x811c9dc5
  private high = 0x1b873593
  private readonly recent: Array<string> = []
  private readonly kept: number

  constructor(kept: number) {
    this.kept = kept
  }

  /** Whether it is worth the time to write a line. */
  get isWritten(): boolean {
    return this.kept > 0
  }

  fold(number: number): void {
    // FNV-1a, twice with different constants: 64 bits are enough to tell runs apart. The fraction counts as well.
    const bits = (number * 1024) | 0
    this.low = Math.imul(this.low ^ bits, 0x01000193)
    this.high = Math.imul(this.high ^ bits, 0x85ebca6b) ^ (this.high >>> 13)
  }

  add(line: string): void {
    for (let i = 0; i < line.length; i++) this.fold(line.charCodeAt(i))
    this.write(line)
  }

  /** For what is folded in another form already. */
  write(line: string): void {
    if (this.kept === 0) return
    this.recent.push(line)
    // Cut rarely, so that a line costs little.
    if (this.recent.length >= this.kept * 2) this.recent.splice(0, this.recent.length - this.kept)
  }

  hash(): string {
    return [this.high, this.low].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("")
  }

  tail(): ReadonlyArray<string> {
    return this.recent.slice(-this.kept)
  }
}
