import type { SeededRandom } from "../SeededRandom.ts"
import type { EventQueue } from "./EventQueue.ts"

/** Carries messages from one thread of a process to another: in their order, each after a while. */
export class Channel {
  private readonly queue: EventQueue
  private readonly random: SeededRandom
  private readonly delayMillisMax: number
  /** Runs it in the thread that hears, when that is awake; drops it when the process is gone. */
  private readonly hear: (action: () => void) => void
  private busyUntilMillis = 0

  constructor(queue: EventQueue, random: SeededRandom, delayMillisMax: number, hear: (action: () => void) => void) {
    this.queue = queue
    this.random = random
    this.delayMillisMax = delayMillisMax
    this.hear = hear
  }

  send(action: () => void): void {
    const { queue, random } = this
    this.busyUntilMillis = Math.max(this.busyUntilMillis, queue.nowMillis + random.between(0, this.delayMillisMax))
    queue.plan(this.busyUntilMillis - queue.nowMillis, () => this.hear(action))
  }
}
