/** A disk whose writes become durable when the scenario says so, and are lost by a crash until then. */

import type { Append } from "../../core/Ready.ts"
import { initialHardState } from "../../core/State.ts"
import type { Entry, HardState, Index, Snapshot, Term } from "../../core/Types.ts"

interface Pending {
  readonly append: Append
  readonly done: () => void
}

export class HeldDisk {
  hardState: HardState = initialHardState
  entries: Array<Entry> = []
  base: { readonly index: Index; readonly term: Term } = { index: 0, term: 0 }
  snapshot: { readonly snapshot: Snapshot; readonly bytes: Uint8Array } | null = null
  isHeld = false
  private pending: Array<Pending> = []

  write(append: Append, done: () => void): void {
    this.pending.push({ append, done })
    if (!this.isHeld) this.sync()
  }

  /** Makes the oldest writes durable. */
  sync(count = Number.POSITIVE_INFINITY): void {
    const pending = this.pending.splice(0, count)
    for (const { append } of pending) this.commit(append)
    for (const { done } of pending) done()
  }

  /** Returns how many writes were lost. */
  lose(): number {
    const lost = this.pending.length
    this.pending = []
    return lost
  }

  install(file: { readonly snapshot: Snapshot; readonly bytes: Uint8Array }): void {
    const { index, term } = file.snapshot.metadata
    this.snapshot = file
    this.base = { index, term }
    this.entries = []
  }

  compact(index: Index): void {
    const last = this.entries[index - this.base.index - 1]
    if (last === undefined) return
    this.entries.splice(0, index - this.base.index)
    this.base = { index, term: last.term }
  }

  private commit({ hardState, truncateFrom, entries }: Append): void {
    if (truncateFrom !== null) this.entries.length = Math.max(0, truncateFrom - this.base.index - 1)
    this.entries.push(...entries)
    if (hardState !== null) this.hardState = hardState
  }
}
