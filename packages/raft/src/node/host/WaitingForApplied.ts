import type { Index } from "../../core/Types.ts"

interface Waiting {
  readonly index: Index
  readonly action: () => void
}

/** What is to be done once entries up to some index are applied. As many as there are reads on the way, which the Raft thread bounds. */
export class WaitingForApplied {
  /** By index. They come nearly in this order: a later read is rarely confirmed at an earlier index. */
  private waiting: Array<Waiting> = []

  add(index: Index, action: () => void): void {
    let at = this.waiting.length
    while (at > 0 && (this.waiting[at - 1] as Waiting).index > index) at -= 1
    this.waiting.splice(at, 0, { index, action })
  }

  /** Does what waited for no more than `applied`. */
  release(applied: Index): void {
    let count = 0
    while (count < this.waiting.length && (this.waiting[count] as Waiting).index <= applied) count += 1
    if (count === 0) return
    for (const { action } of this.waiting.splice(0, count)) action()
  }

  clear(): void {
    this.waiting = []
  }
}
