/** How often each kind of fault and each path was taken. A simulation that never did what it claims to do proves nothing. */
export class Counters {
  private readonly counts = new Map<string, number>()

  add(name: string, times = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + times)
  }

  get(name: string): number {
    return this.counts.get(name) ?? 0
  }

  addAll(other: Counters): void {
    for (const [name, times] of other.counts) this.add(name, times)
  }

  /** The names among `expected` that were never counted. */
  missing(expected: ReadonlyArray<string>): ReadonlyArray<string> {
    return expected.filter((name) => this.get(name) === 0)
  }

  entries(): ReadonlyArray<readonly [name: string, times: number]> {
    return [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
