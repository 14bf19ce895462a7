/**
 * Time as this thread lived through it. When the whole process slept, nobody was late: so how long others take is counted
 * in awake time. Whether it slept matters to leases alone (thesis 6.4.1), which count ticks and trust that they are on time.
 */
export class AwakeClock {
  /** Awake time since the start. */
  millis = 0
  private readonly tickMillis: number
  private readonly electionTicks: number
  private lastMillis: number
  /** When the latest ticks were, the oldest first: as many as a lease lasts. */
  private readonly tickTimes: Array<number>

  constructor(tickMillis: number, electionTicks: number, nowMillis: number) {
    this.tickMillis = tickMillis
    this.electionTicks = electionTicks
    this.lastMillis = nowMillis
    this.tickTimes = Array.from({ length: Math.ceil(electionTicks / 2) }, () => nowMillis)
  }

  tick(nowMillis: number): void {
    this.millis += Math.min(nowMillis - this.lastMillis, 4 * this.tickMillis)
    this.lastMillis = nowMillis
    this.tickTimes.shift()
    this.tickTimes.push(nowMillis)
  }

  /**
   * Whether the ticks of a lease took so long that others may have elected a leader meanwhile. A tenth is left for clocks
   * that do not run equally fast, and a tick because the first one of a wait is a short one.
   */
  outlivesLease(nowMillis: number): boolean {
    const age = nowMillis - (this.tickTimes[0] ?? nowMillis)
    return age >= (this.electionTicks - 1) * this.tickMillis * 0.9
  }
}
