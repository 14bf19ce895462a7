/**
 * The newest events, so that whoever watches can go on from the index that it saw last (design-cluster.md 17). Bounded:
 * who comes back too late is told so, and reads the state anew.
 */
import type { AppliedEvent } from "@nxmesh/protocol/Event"

export type Heard =
  /** What came after the index that was asked for; `index` is where to go on from. */
  | { readonly _tag: "Events"; readonly index: number; readonly events: ReadonlyArray<AppliedEvent> }
  /** Some of what came after it is forgotten: read the state, which is at `index` at least. */
  | { readonly _tag: "Compacted"; readonly index: number }

export class EventHistory {
  private readonly countMax: number
  private events: Array<AppliedEvent> = []
  /** Every event after this index is here. */
  private floor: number
  private newest: number

  /** `index`: what the state held when the history began. */
  constructor(index: number, countMax: number) {
    this.floor = index
    this.newest = index
    this.countMax = countMax
  }

  /** In the order of the log. The state as a whole replaced: all that was is history no more. */
  add(applied: AppliedEvent): void {
    this.newest = Math.max(this.newest, applied.index)
    if (applied.event._tag === "StateReset") {
      this.events = []
      this.floor = applied.index
      return
    }
    this.events.push(applied)
    if (this.events.length >= 2 * this.countMax) this.forget()
  }

  /** At most about `countMax` events: those of one entry stay together. */
  after(index: number, countMax: number): Heard {
    if (index < this.floor) return { _tag: "Compacted", index: this.newest }
    const from = this.positionAfter(index)
    const last = this.events[from + countMax - 1]
    if (last === undefined) {
      return { _tag: "Events", index: Math.max(index, this.newest), events: this.events.slice(from) }
    }
    return { _tag: "Events", index: last.index, events: this.events.slice(from, this.positionAfter(last.index)) }
  }

  /** Half at a time, so that it costs little; never a part of what one entry caused. */
  private forget(): void {
    const last = this.events[this.events.length - this.countMax - 1] as AppliedEvent
    this.floor = last.index
    this.events = this.events.slice(this.positionAfter(last.index))
  }

  /** Of the first event after the index. */
  private positionAfter(index: number): number {
    let low = 0
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.events[middle] as AppliedEvent).index <= index) low = middle + 1
      else high = middle
    }
    return low
  }
}
