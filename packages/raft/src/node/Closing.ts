/** The planned end of a node: leadership goes to another first, and what is on its way is answered, if that is soon. */
export interface ClosingPorts {
  readonly handOver: () => void
  /** It leads others, or somebody waits for what it has on its way. */
  readonly isBusy: () => boolean
  /** Fails whoever still waits. */
  readonly close: () => void
}

export class Closing {
  private readonly ports: ClosingPorts
  private until: { readonly millis: number; readonly done: () => void } | null = null

  constructor(ports: ClosingPorts) {
    this.ports = ports
  }

  /** `done` is called when nothing is busy any more, at `untilMillis` at the latest. */
  begin(nowMillis: number, untilMillis: number, done: () => void): void {
    this.until = { millis: untilMillis, done }
    this.proceed(nowMillis)
  }

  proceed(nowMillis: number): void {
    const { until } = this
    if (until === null) return
    this.ports.handOver()
    if (this.ports.isBusy() && nowMillis < until.millis) return
    this.until = null
    this.ports.close()
    until.done()
  }
}
