/**
 * The one source of chance in a simulation: everything that a run decides comes from its seed, so the seed is the run.
 *
 * sfc32 (Doty-Humphrey, PractRand): small, fast, and good enough that neighbouring seeds are unrelated.
 */
export class SeededRandom {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number) {
    this.a = seed >>> 0
    this.b = Math.floor(seed / 0x1_0000_0000) >>> 0
    this.c = 0x9e3779b9
    for (let i = 0; i < 15; i++) this.bits()
  }

  /** 32 random bits. */
  bits(): number {
    const result = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor((this.bits() / 0x1_0000_0000) * (high - low + 1))
  }

  /** True in `percent` of the cases; fractions of a percent count. */
  chance(percent: number): boolean {
    return (this.bits() / 0x1_0000_0000) * 100 < percent
  }

  pick<A>(items: ReadonlyArray<A>): A {
    const item = items[this.between(0, items.length - 1)]
    if (item === undefined) throw new Error("nothing to pick from")
    return item
  }

  shuffle<A>(items: ReadonlyArray<A>): Array<A> {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.between(0, i)
      const moved = result[i] as A
      result[i] = result[j] as A
      result[j] = moved
    }
    return result
  }

  /** A source of its own, so that what one part draws does not shift what another part sees. */
  fork(): SeededRandom {
    return new SeededRandom(this.bits() + (this.bits() & 0xfffff) * 0x1_0000_0000)
  }
}
