/**
 * Simulated time: what is to happen, in order of its moment and, within a moment, of its planning. Nothing else makes time
 * pass, so a minute costs only the work that happens in it.
 */

interface Planned {
  readonly at: number
  readonly sequence: number
  readonly action: () => void
}

const isBefore = (a: Planned, b: Planned): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)

/** A binary heap. Times are in simulated milliseconds; fractions are allowed. */
export class EventQueue {
  private readonly heap: Array<Planned> = []
  private sequence = 0
  /** The moment of the action that runs now. */
  nowMillis = 0
  /** Actions run so far. */
  count = 0
  private failure: { readonly cause: unknown } | null = null

  /** Ends the run after the action that runs now, whatever catches what that action throws. */
  fail(cause: unknown): void {
    this.failure ??= { cause }
  }

  plan(delayMillis: number, action: () => void): void {
    const planned = { at: this.nowMillis + Math.max(0, delayMillis), sequence: this.sequence++, action }
    const heap = this.heap
    let child = heap.length
    heap.push(planned)
    while (child > 0) {
      const parent = (child - 1) >> 1
      const above = heap[parent] as Planned
      if (!isBefore(planned, above)) break
      heap[child] = above
      child = parent
    }
    heap[child] = planned
  }

  /** Runs everything planned up to a moment, including what those actions plan, and leaves the time at that moment. */
  runUntil(millis: number): void {
    for (;;) {
      const next = this.heap[0]
      if (next === undefined || next.at > millis) break
      this.removeFirst()
      this.nowMillis = next.at
      this.count++
      next.action()
      if (this.failure !== null) throw this.failure.cause
    }
    this.nowMillis = millis
  }

  private removeFirst(): void {
    const heap = this.heap
    const moved = heap.pop()
    if (moved === undefined || heap.length === 0) return
    let parent = 0
    for (;;) {
      let child = parent * 2 + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, heap[child] as Planned)) child++
      const below = heap[child] as Planned
      if (!isBefore(below, moved)) break
      heap[parent] = below
      parent = child
    }
    heap[parent] = moved
  }
}
