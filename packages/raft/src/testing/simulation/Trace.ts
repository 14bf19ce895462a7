/**
 * Everything that happened in a run, folded into one number: two runs of a seed that differ anywhere differ here. The last
 * lines are kept in full, for the report of a failure.
 */
export class Trace {
  private low = 0x811c9dc5
  private high = 0x1b873593
  private readonly recent: Array<string> = []
  private readonly kept: number
  lines = 0

  constructor(kept: number) {
    this.kept = kept
  }

  add(line: string): void {
    // FNV-1a, twice with different constants: 64 bits are enough to tell runs apart.
    let { low, high } = this
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i)
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ code, 0x85ebca6b) ^ (high >>> 13)
    }
    this.low = Math.imul(low ^ 10, 0x01000193)
    this.high = high
    this.lines++
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
