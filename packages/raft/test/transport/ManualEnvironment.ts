import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import type { Environment } from "@nxmesh/raft/transport/Environment"

interface Timer {
  readonly atMillis: number
  readonly order: number
  readonly action: () => void
}

/** A clock that a test moves. */
export class ManualEnvironment implements Environment {
  private readonly chance: SeededRandom
  private timers: Array<Timer> = []
  private millis = 0
  private made = 0

  constructor(seed = 1) {
    this.chance = new SeededRandom(seed)
  }

  readonly nowMillis = (): number => this.millis
  readonly random = (): number => this.chance.between(0, 999_999) / 1_000_000
  readonly after = (millis: number, action: () => void): (() => void) => {
    const timer = { atMillis: this.millis + millis, order: this.made++, action }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((each) => each !== timer)
    }
  }

  /** Timers that were neither run nor cancelled. */
  get waiting(): number {
    return this.timers.length
  }

  /** Runs what is due within so long, in its order. */
  advance(millis: number): void {
    const end = this.millis + millis
    for (let next = this.due(end); next !== undefined; next = this.due(end)) {
      this.millis = Math.max(this.millis, next.atMillis)
      this.timers = this.timers.filter((each) => each !== next)
      next.action()
    }
    this.millis = end
  }

  /** Moves on, at most a minute, until something is true. */
  until(isTrue: () => boolean): void {
    const end = this.millis + 60_000
    while (!isTrue()) {
      if (this.millis >= end) throw new Error("it did not become true within a minute")
      this.advance(1)
    }
  }

  private due(end: number): Timer | undefined {
    return this.timers
      .filter(({ atMillis }) => atMillis <= end)
      .sort((a, b) => a.atMillis - b.atMillis || a.order - b.order)[0]
  }
}
