/** Appends that are on their way to the disk, in their order. */
export class FlushQueue {
  private readonly waiting: Array<{
    readonly sequence: number
    readonly atMillis: number
    readonly done: () => void
  }> = []

  /** Since when the oldest append waits; `null`: none does. */
  get oldestMillis(): number | null {
    return this.waiting[0]?.atMillis ?? null
  }

  push(sequence: number, atMillis: number, done: () => void): void {
    this.waiting.push({ sequence, atMillis, done })
  }

  /** Everything up to `sequence` is durable: the last of them speaks for those before it. */
  durable(sequence: number): void {
    let count = 0
    while (count < this.waiting.length && (this.waiting[count]?.sequence ?? 0) <= sequence) count++
    const flushed = this.waiting.splice(0, count)
    flushed.at(-1)?.done()
  }
}
