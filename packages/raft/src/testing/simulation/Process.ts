/**
 * A process with a clock of its own. While it is paused, as by a stopped machine or a long collection of garbage, what
 * arrives waits for it, and ticks are lost or come all at once.
 */

import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"

export class Process {
  private readonly queue: EventQueue
  private readonly random: SeededRandom
  private readonly counters: Counters
  private readonly waiting: Array<() => void> = []
  private generation = 0
  isPaused = false
  private ticksToSkip = 0
  private tick: () => void = () => {}

  constructor(queue: EventQueue, random: SeededRandom, counters: Counters) {
    this.queue = queue
    this.random = random
    this.counters = counters
  }

  start(tickEvery: number, tick: () => void): void {
    this.generation++
    this.isPaused = false
    this.ticksToSkip = 0
    this.tick = tick
    const { generation } = this
    const again = (): void =>
      this.queue.plan(tickEvery, () => {
        if (generation !== this.generation) return
        if (this.ticksToSkip > 0) this.ticksToSkip--
        else if (!this.isPaused) tick()
        again()
      })
    // Processes are not started in step with each other.
    this.queue.plan(this.random.between(0, Math.floor(tickEvery)), () => {
      if (generation === this.generation) again()
    })
  }

  /** The process is gone, with all that waited for it. */
  stop(): void {
    this.generation++
    this.waiting.length = 0
    this.isPaused = false
    this.tick = () => {}
  }

  /** Now, or when the pause ends. */
  run(action: () => void): void {
    if (this.isPaused) this.waiting.push(action)
    else action()
  }

  pause(millis: number): void {
    if (this.isPaused) return
    const { generation } = this
    this.isPaused = true
    this.queue.plan(millis, () => {
      if (generation === this.generation) this.resume()
    })
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (this.random.chance(50)) this.jump(this.random.between(1, 30))
    const { generation } = this
    for (const action of this.waiting.splice(0)) {
      if (generation === this.generation) action()
    }
  }

  /** The clock jumps: forward, so many ticks come at once; backward, so many do not come. */
  jump(ticks: number): void {
    this.counters.add(ticks < 0 ? "clock: backward" : "clock: forward")
    if (ticks < 0) this.ticksToSkip += -ticks
    else for (let i = 0; i < ticks; i++) this.run(this.tick)
  }
}
