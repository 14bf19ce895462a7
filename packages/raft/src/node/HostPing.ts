import { Limits } from "../Limits.ts"

/** Asks the host's thread, from time to time, whether it is blocked. All times are awake time. */
export class HostPing {
  private number = 0
  private sentMillis = Number.NEGATIVE_INFINITY
  private isAnswered = true

  /** The number to ask with, if it is time to: one question at a time. */
  next(nowMillis: number): number | null {
    if (!this.isAnswered || nowMillis - this.sentMillis < Limits.node.pingMillis) return null
    this.sentMillis = nowMillis
    this.isAnswered = false
    return ++this.number
  }

  answered(number: number): void {
    if (number === this.number) this.isAnswered = true
  }

  /** How long the host has not answered; 0: it has. */
  unansweredMillis(nowMillis: number): number {
    return this.isAnswered ? 0 : nowMillis - this.sentMillis
  }
}
