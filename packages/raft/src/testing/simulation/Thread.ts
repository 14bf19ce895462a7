import type { EventQueue } from "./EventQueue.ts"

/** One thread of a process. While it is paused or blocked, what arrives waits for it. */
export class Thread {
  private readonly queue: EventQueue
  private readonly waiting: Array<() => void> = []
  private generation = 0
  isPaused = false

  constructor(queue: EventQueue) {
    this.queue = queue
  }

  /** The process is gone, with all that waited in it. */
  stop(): void {
    this.generation++
    this.waiting.length = 0
    this.isPaused = false
  }

  /** Now, or when the pause ends. */
  run(action: () => void): void {
    if (this.isPaused) this.waiting.push(action)
    else action()
  }

  /** `resumed` runs before anything that waited. */
  pause(millis: number, resumed: () => void = () => {}): void {
    if (this.isPaused) return
    const { generation } = this
    this.isPaused = true
    this.queue.plan(millis, () => {
      if (generation !== this.generation || !this.isPaused) return
      resumed()
      this.resume()
    })
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    const { generation } = this
    for (const action of this.waiting.splice(0)) {
      if (generation === this.generation) this.run(action)
    }
  }
}
