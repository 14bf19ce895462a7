/** So many clients, each with one operation outstanding: the next begins when the one before is answered. */
import { LatencyHistogram } from "./LatencyHistogram.ts"
import type { Store } from "./Store.ts"

export interface LoadShape {
  readonly operation: "put" | "get"
  readonly clients: number
  /** Keys are drawn evenly from so many. */
  readonly keys: number
  readonly valueBytes: number
  /** What a client waits after each answer. */
  readonly pauseMillis: number
}

const keyOf = (number: number): string => `key-${String(number).padStart(8, "0")}`

export class ClosedLoop {
  private readonly store: Store
  private readonly shape: LoadShape
  private readonly value: Uint8Array
  private readonly onAnswer: (acknowledgedAt: number) => void
  private readonly nextKey: () => number | null
  private histogram = new LatencyHistogram()
  private failures = new Map<string, number>()
  private values = 0
  private active = 0
  private isEnding = false
  private whenIdle = (): void => undefined

  /** `onAnswer` is told of each acknowledgement, with its time. `nextKey` gives `null` when a client has done its part. */
  constructor(
    store: Store,
    shape: LoadShape,
    onAnswer: (acknowledgedAt: number) => void,
    nextKey: () => number | null = () => Math.floor(Math.random() * shape.keys)
  ) {
    this.store = store
    this.shape = shape
    this.value = new Uint8Array(shape.valueBytes).fill(7)
    this.onAnswer = onAnswer
    this.nextKey = nextKey
  }

  start(): void {
    this.active = this.shape.clients
    for (let client = 0; client < this.shape.clients; client++) this.next()
  }

  /** What was measured since the last call. */
  take(): { readonly histogram: LatencyHistogram; readonly failures: ReadonlyMap<string, number> } {
    const { failures, histogram } = this
    this.histogram = new LatencyHistogram()
    this.failures = new Map()
    return { histogram, failures }
  }

  /** Resolves when every client has its last answer. */
  ended(): Promise<void> {
    return new Promise((resolve) => {
      this.whenIdle = resolve
      if (this.active === 0) resolve()
    })
  }

  stop(): Promise<void> {
    this.isEnding = true
    return this.ended()
  }

  /** Each is another: SQLite, unlike etcd, does not write a page that would stay the same. */
  private nextValue(): Uint8Array {
    this.values += 1
    new DataView(this.value.buffer).setFloat64(0, this.values)
    return this.value
  }

  private next(): void {
    const key = this.isEnding ? null : this.nextKey()
    if (key === null) {
      this.active -= 1
      if (this.active === 0) this.whenIdle()
      return
    }
    const sent = performance.now()
    const done = (failure: string | null): void => this.answered(sent, failure)
    if (this.shape.operation === "put") this.store.put(keyOf(key), this.nextValue(), done)
    else this.store.get(keyOf(key), done)
  }

  private answered(sent: number, failure: string | null): void {
    const now = performance.now()
    if (failure === null) {
      this.histogram.add(now - sent)
      this.onAnswer(now)
    } else this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1)
    // After a failure a client waits a little, or a system that refuses at once would be asked for ever.
    const pauseMillis = failure === null ? this.shape.pauseMillis : Math.max(10, this.shape.pauseMillis)
    if (pauseMillis === 0) this.next()
    else setTimeout(() => this.next(), pauseMillis)
  }
}
