/**
 * The clocks and the timer of one process. Its rate is its own; timers are late when their thread sleeps, and come too
 * early or not at all when the clock jumps. The clock that intervals are measured by never goes back, the wall clock does.
 */

import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import type { Thread } from "./Thread.ts"

export interface ClockOptions {
  readonly tickMillis: number
  /** How much faster than true time it goes. */
  readonly driftPercent: number
}

/** When every simulation begins. */
const epochMillis = 1_700_000_000_000

export class Clock {
  private readonly queue: EventQueue
  private readonly random: SeededRandom
  private readonly counters: Counters
  private readonly thread: Thread
  private readonly options: ClockOptions
  private generation = 0
  private aheadMillis = 0
  private wallAheadMillis = 0
  private ticksToSkip = 0
  private tick: () => void = () => {}

  constructor(queue: EventQueue, random: SeededRandom, counters: Counters, thread: Thread, options: ClockOptions) {
    this.queue = queue
    this.random = random
    this.counters = counters
    this.thread = thread
    this.options = options
  }

  nowMillis(): number {
    return this.queue.nowMillis * (1 + this.options.driftPercent / 100) + this.aheadMillis
  }

  wallMillis(): number {
    return epochMillis + Math.floor(this.nowMillis() + this.wallAheadMillis)
  }

  start(tick: () => void): void {
    const generation = ++this.generation
    this.ticksToSkip = 0
    this.tick = tick
    const everyMillis = this.options.tickMillis / (1 + this.options.driftPercent / 100)
    const again = (): void =>
      this.queue.plan(everyMillis, () => {
        if (generation !== this.generation) return
        if (this.ticksToSkip > 0) this.ticksToSkip--
        else if (!this.thread.isPaused) tick()
        again()
      })
    // Processes are not started in step with each other.
    this.queue.plan(this.random.between(0, Math.floor(everyMillis)), () => {
      if (generation === this.generation) again()
    })
  }

  stop(): void {
    this.generation++
    this.tick = () => {}
  }

  /** The wall clock is set. Forward: so many ticks come at once, or time goes by without them. Backward: so many do not come. */
  jump(ticks: number): void {
    this.wallAheadMillis += ticks * this.options.tickMillis
    this.counters.add(ticks < 0 ? "clock: backward" : "clock: forward")
    if (ticks < 0) this.ticksToSkip -= ticks
    else if (this.random.chance(50)) this.aheadMillis += ticks * this.options.tickMillis
    else for (let i = 0; i < ticks; i++) this.thread.run(this.tick)
  }
}
